"""What runs come to, whatever their activities do; recorded with the histories."""

from collections import Counter
from datetime import datetime
from itertools import pairwise

from dateutil.parser import isoparse

from fanout.governor.run_state import GovernorState
from fanout.messages.run import RunInput
from fanout.models.usage import Usage
from fanout.naming import functions
from fanout.policies import is_exceeded
from orchestrators.rounds import MAX_BREAKDOWNS
from tests.support.replays.recorded_histories import Recording, activity_input, in_flight
from tests.support.replays.recorded_runs import Recorded
from tests.support.replays.scenarios import QUEUES, QUIET_SECONDS, WOKEN_IN_VAIN

SCHEDULED, TIMER_CREATED = 4, 10


def batches_asked(recorded: Recorded, run_id: str) -> Counter[tuple[int, int, int]]:
    asked = recorded.scripts[run_id].asked
    return Counter((ref.partition, ref.first_cut, ref.retry_round) for ref in asked)


def lost_batches(state: GovernorState) -> int:
    return state.counts("process").lost_batches + state.counts("compensate").lost_batches


def test_each_batch_of_each_partition_is_asked_for_once(recorded: Recorded):
    for run_id in ("calm", "narrow", "wide", "long"):
        plan = recorded.scripts[run_id].plan.work
        wanted = {divmod(batch, plan.cuts_per_partition) for batch in range(plan.cuts)}
        assert batches_asked(recorded, run_id) == Counter((p, b, 0) for p, b in wanted), run_id
        state = recorded.governors[run_id]
        assert state.partitions.done == state.partitions.total == plan.partitions, run_id
        assert state.shards.keys() == {f"s{n:02d}" for n in range(plan.shards)}, run_id


def test_a_run_returns_what_finalize_says_and_writes_it_into_its_row(recorded: Recorded):
    for run_id in ("calm", "empty", "patient", "lost", "stopped"):
        end = recorded.governors[run_id].run.end
        assert end is not None and end.outcome == "succeeded"
        assert recorded.outputs[run_id] == end.model_dump(mode="json")
        assert recorded.governors[run_id].phase == "done"


def test_only_batches_with_items_to_try_again_come_into_a_round(recorded: Recorded):
    asked = batches_asked(recorded, "patient")
    assert set(asked.values()) == {1}
    assert {batch % 2 for _, batch, retry_round in asked if retry_round > 0} == {1}
    assert max(retry_round for _, _, retry_round in asked) == 2


def test_retries_are_counted_by_item_and_attempt(recorded: Recorded):
    state = recorded.governors["patient"]
    odd_batches = 4
    assert state.retries == odd_batches * (8 + 6)
    succeeded = 4 * 10 + odd_batches * (2 + 2 + 5)
    assert (state.items.succeeded, state.items.failed) == (succeeded, odd_batches)
    assert [group.count for group in state.errors.values()] == [odd_batches]


def waits(recording: Recording) -> list[float]:
    """Seconds of every back-off timer of an execution."""
    now, found = None, []
    for event in recording.history:
        if event["EventType"] == 12:
            now = isoparse(event["Timestamp"])
        if event["EventType"] == TIMER_CREATED:
            found.append((isoparse(event["FireAt"]) - now).total_seconds())
    return found


def test_the_waits_between_rounds_follow_the_back_off(recorded: Recorded):
    shards = recorded.of("backing-off")
    assert len(shards) == 2
    for recording in shards:
        for delay, least in zip(waits(recording), (0.2, 0.3, 0.3), strict=True):
            assert least <= delay < least + 0.1


def test_a_round_waits_as_long_as_was_asked_though_others_were_repaired_meanwhile(
    recorded: Recorded,
):
    (run,) = recorded.of("asking", functions.RUN)
    first, *_, again = (
        isoparse(event["Timestamp"])
        for event in run.tasks(functions.PROCESS_BATCH)
        if event["EventType"] == SCHEDULED and activity_input(event)["first_cut"] == 0
    )
    assert (again - first).total_seconds() >= QUIET_SECONDS
    assert batches_asked(recorded, "asking") == Counter(
        {(0, 0, 0): 1, (0, 0, 1): 1, (0, 1, 0): 2, (0, 2, 0): 2}
    )


def test_two_shards_do_not_wait_alike(recorded: Recorded):
    first, second = (waits(recording) for recording in recorded.of("backing-off"))
    assert all(a != b for a, b in zip(first, second, strict=True))


def test_an_activity_that_fails_once_costs_nothing(recorded: Recorded):
    state = recorded.governors["flaky"]
    assert set(batches_asked(recorded, "flaky").values()) == {2}, "the same round, once more"
    assert sum(ref.is_repeated for ref in recorded.scripts["flaky"].asked) == 6
    assert (state.items.succeeded, lost_batches(state), state.retries) == (60, 0, 0)


def test_a_batch_lost_for_good_takes_no_other_with_it(recorded: Recorded):
    state = recorded.governors["lost"]
    assert (state.items.succeeded, lost_batches(state)) == (50, 1)
    (reason,) = state.errors.values()
    assert (reason.type, reason.example_item) == ("LostBatchError", "partition 0, batch 1")
    assert reason.message == "Activity function 'process_batch' failed:  OSError: storage is away"
    asked = batches_asked(recorded, "lost")
    assert asked.pop((0, 1, 0)) == MAX_BREAKDOWNS
    assert set(asked.values()) == {1}
    assert lost_batches(recorded.governors["all-lost"]) == 4
    assert recorded.outputs["all-lost"]["outcome"] == "succeeded", "finalize has the last word"


def test_shards_stop_at_the_wave_after_the_tolerance_was_passed(recorded: Recorded):
    script, state = recorded.scripts["stopped"], recorded.governors["stopped"]
    assert is_exceeded(script.plan.limits.tolerance, state.items.failed, state.items.total)
    assert state.items.failed <= 4
    assert state.items.pending == state.items.total - 10 * len(script.asked)
    assert len(script.asked) <= 4


def test_a_run_told_to_go_on_does_so_beyond_its_tolerance(recorded: Recorded):
    items = recorded.governors["tolerated"].items
    assert (items.failed, items.succeeded, items.pending) == (6, 54, 0)


def test_compensation_goes_over_every_batch_and_is_tried_again(recorded: Recorded):
    script, items = recorded.scripts["compensated"], recorded.governors["compensated"].items
    assert len(script.asked) < script.plan.work.cuts, "processing stopped"
    undone = Counter((ref.partition, ref.first_cut, ref.retry_round) for ref in script.undone)
    every = [divmod(batch, 2) for batch in range(3)]
    assert undone == Counter((p, b, r) for p, b in every for r in (0, 1))
    assert items.compensated == len(every)
    assert {one.instance_id[-3] for one in recorded.of("compensated")} == {"s", "c"}


def test_a_run_within_its_tolerance_compensates_nothing(recorded: Recorded):
    assert recorded.scripts["compensation-not-due"].undone == []
    assert recorded.governors["compensation-not-due"].items.succeeded == 20


def test_a_batch_that_cannot_be_compensated_takes_no_other_with_it(recorded: Recorded):
    state, script = recorded.governors["compensation-lost"], recorded.scripts["compensation-lost"]
    assert lost_batches(state) > 0
    assert {(ref.partition, ref.first_cut) for ref in script.undone} == {
        (0, 0),
        (0, 1),
        (1, 0),
        (1, 1),
    }


def test_a_source_that_cannot_be_run_over_ends_the_run_failed(recorded: Recorded):
    assert recorded.outputs["refused"]["outcome"] == "failed"
    assert "flights.csv" in recorded.outputs["refused"]["error"]
    assert recorded.of("refused") == []


def test_a_plan_or_a_fan_in_that_fails_for_good_ends_the_run_failed(recorded: Recorded):
    for run_id, reason in (("unplanned", "no plan"), ("unfinished", "no results")):
        assert recorded.outputs[run_id]["outcome"] == "failed"
        assert reason in recorded.outputs[run_id]["error"]
        assert recorded.governors[run_id].phase == "done"
        assert "ClassName" not in recorded.outputs[run_id]["error"]


def test_a_run_that_is_over_is_not_run_again(recorded: Recorded):
    first, again = recorded.of("calm", functions.RUN)
    assert recorded.scripts["calm"].asked and len(recorded.of("calm")) == 2
    assert len(again.history) < len(first.history)


def test_a_shard_that_breaks_lets_the_others_finish(recorded: Recorded):
    output = recorded.outputs["broken-shard"]
    assert (output["outcome"], output["items"]["succeeded"]) == ("failed", 20)
    assert "shard" in output["error"]
    assert recorded.governors["broken-shard"].items.model_dump() == output["items"]


def test_continuing_as_new_carries_only_the_position(recorded: Recorded):
    executions = recorded.of("long")
    assert len(executions) > 1
    for earlier, later in pairwise(executions):
        assert later.input["sequence"] > earlier.input["sequence"]
    begun = {(one.input["partition"], one.input["first_cut"]) for one in executions}
    assert len(begun) == len(executions)


def questions(recordings: list[Recording]) -> int:
    """How often shards asked how to go on."""
    return sum(e.get("Name") == functions.STEER for one in recordings for e in one.history)


def test_every_wave_and_the_end_of_a_shard_is_one_question(recorded: Recorded):
    first, second = recorded.of("calm")
    assert (questions([first]), questions([second])) == (2 + 1, 1 + 1)


def test_a_shard_that_the_run_works_off_asks_with_its_beginning_and_its_end(recorded: Recorded):
    assert recorded.of("narrow") == []
    assert questions(recorded.of("narrow", functions.RUN)) == 6 - 1


def test_never_more_batches_are_in_flight_than_the_width(recorded: Recorded):
    for run_id, width in (("narrow", 1), ("calm", 2), ("lost", 3)):
        assert recorded.working(run_id)
        for recording in recorded.working(run_id):
            assert max(in_flight(recording)) <= width, run_id


def test_what_was_scanned_is_planned_and_worked_off_in_a_new_history(recorded: Recorded):
    scanning, working = recorded.of("scanned-long", functions.RUN)
    assert sorted(recorded.scripts["scanned-long"].scanned) == [*range(200)]
    # It was started, and `begin` and each scan have answered.
    known = Usage(orchestrations=1, messages=1 + 1 + 200)
    carried = RunInput(run_id="scanned-long", scanned=True, usage=known)
    assert RunInput.model_validate(working.input) == carried
    assert not working.tasks(functions.SCAN) and not scanning.tasks(functions.PROCESS_BATCH)
    assert recorded.governors["scanned-long"].items.pending == 0


def test_a_run_that_waits_for_its_turn_continues_as_new_and_asks_for_the_same(recorded: Recorded):
    executions = {run_id: recorded.of(run_id, functions.RUN) for run_id in QUEUES}
    assert max(len(executions[run_id]) for run_id in WOKEN_IN_VAIN) > 1
    for run_id, found in executions.items():
        again = [one for one in found if one.input.get("max_runs")]
        wanted = RunInput(run_id=run_id, max_runs=1)
        inputs = [RunInput.model_validate(one.input) for one in again]
        assert all(one.model_copy(update={"usage": wanted.usage}) == wanted for one in inputs)
        assert recorded.outputs[run_id]["outcome"] == "succeeded"


def test_times_are_those_of_the_orchestration(recorded: Recorded):
    for run_id, state in recorded.governors.items():
        run = state.run
        assert run.end is not None and run.end.at is not None and run.started_at is not None, run_id
        ended = datetime.fromisoformat(run.end.at)
        assert ended.utcoffset() is not None
        assert datetime.fromisoformat(run.started_at) <= ended


def test_shards_are_named_after_their_run(recorded: Recorded):
    assert {one.instance_id for one in recorded.of("calm")} == {"calm:s00", "calm:s01"}
    assert recorded.of("calm")[0].orchestrator == functions.SHARD


def test_a_downstream_that_is_down_is_probed_until_it_is_up_and_no_attempt_is_lost(
    recorded: Recorded,
):
    state, asked = recorded.governors["downstream-down"], recorded.scripts["downstream-down"].asked
    assert (state.items.succeeded, state.items.failed, state.retries) == (120, 0, 0)
    probes = [ref for ref in asked if ref.is_probe]
    assert 1 <= len(probes) <= 4
    assert sum(not ref.is_probe for ref in asked) >= 12 - len(probes)


def test_a_queued_run_begins_under_its_own_id_when_no_earlier_one_is_left(recorded: Recorded):
    for run_id, executions in (("queued", 3), ("queued-for-nothing", 1)):
        assert recorded.scripts[run_id].earlier == -1
        assert recorded.outputs[run_id]["outcome"] == "succeeded"
        (run,) = recorded.of(run_id, functions.RUN)
        queued = recorded.of(run_id, functions.QUEUED_RUN)
        assert len(queued) == executions
        assert {one.instance_id for one in queued} == {f"{run_id}:q"}
        assert run.instance_id == run_id and run.turns[0].get("parentInstanceId") is None


def test_every_run_is_published_once_with_how_it_ended(recorded: Recorded):
    for run_id, script in recorded.scripts.items():
        if script.publish is None:
            (ending,) = script.published
            assert ending.end.model_dump(mode="json") == recorded.outputs[run_id]
            assert (ending.run_id, ending.attempt) == (run_id, script.attempt)


def test_a_run_whose_end_cannot_be_published_has_ended_all_the_same(recorded: Recorded):
    assert len(recorded.scripts["unpublished"].published) == 5
    assert recorded.outputs["unpublished"]["outcome"] == "succeeded"
    assert recorded.governors["unpublished"].phase == "done"


def test_each_saga_ends_in_its_own_way_and_is_written_down_once(recorded: Recorded):
    ends = {one.saga.index: one.end for one in recorded.scripts["sagas"].recorded}
    assert len(ends) == len(recorded.scripts["sagas"].recorded) == 30
    ways = {5: "failed", 7: "compensated", 8: "compensated", 9: "compensation_failed"}
    assert {n: end.status for n, end in ends.items()} == {
        n: ways.get(n % 10, "succeeded") for n in ends
    }
    assert ends[8].trace.undone[0] == 3 and set(ends[8].trace.undone[1:]) == {1, 2}
    assert ends[9].trace.undo_failed == [2]
    assert ends[6].tries == 3
    items = recorded.governors["sagas"].items
    assert (items.succeeded, items.failed) == (18, 3)
    assert (items.compensated, items.compensation_failed, items.pending) == (6, 3, 0)


def test_sagas_outlast_activities_that_fail(recorded: Recorded):
    ends = [one.end for one in recorded.scripts["sagas-breaking-down"].recorded]
    assert [(end.status, end.tries) for end in ends] == [("succeeded", 1)] * 10
    assert recorded.governors["sagas-unclosed"].items.succeeded == 10


def test_no_history_of_a_saga_grows_with_its_batch(recorded: Recorded):
    found = recorded.of("sagas", functions.SAGA)
    assert len(found) == 30
    assert max(len(one.history) for one in found) < 100
