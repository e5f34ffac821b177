"""What runs come to whose orchestrations died on the way: what they would have come to without."""

from collections import Counter

import pytest

from fanout.messages.ending import SettleAsk
from fanout.messages.shards import ShardCounts
from fanout.naming import functions
from tests.support.replays.recorded_histories import Recording, activity_input
from tests.support.replays.recorded_runs import Recorded
from tests.support.replays.scenarios import NO_WORKER

FAILED_CHILD = 9
PATIENT = {"succeeded": 4 * 10 + 4 * 9, "failed": 4, "retries": 4 * (8 + 6)}


def settled(recording: Recording) -> ShardCounts:
    """What the shards came to, as the orchestrator's own history has it."""
    (asked,) = (e for e in recording.history if e.get("Name") == functions.SETTLE)
    return SettleAsk.model_validate(activity_input(asked)).counts


def last_run(recorded: Recorded, run_id: str) -> Recording:
    return recorded.of(run_id, functions.RUN)[-1]


def deaths(recording: Recording) -> int:
    """How many children died."""
    return sum(
        event["EventType"] == FAILED_CHILD and NO_WORKER in str(event)
        for event in recording.history
    )


@pytest.mark.parametrize(
    ("run_id", "counts"),
    [
        ("restarted", PATIENT),
        ("restarted-at-once", {"succeeded": 80}),
        ("restarted-repairing", {"succeeded": 60}),
    ],
)
def test_a_shard_that_died_is_started_again_and_counts_each_wave_once(
    recorded: Recorded, run_id: str, counts: dict[str, int]
):
    run = last_run(recorded, run_id)
    assert deaths(run) == 1
    assert settled(run) == ShardCounts(**counts)
    state = recorded.governors[run_id]
    assert state.counts("process") == ShardCounts(**counts)
    assert (state.items.pending, state.retries) == (0, counts.get("retries", 0))
    assert recorded.outputs[run_id]["outcome"] == "succeeded"
    assert state.run.take_overs == []


@pytest.mark.parametrize(
    "run_id",
    ["restarted", "restarted-at-once", "restarted-repairing", "resumed", "resumed-shards"],
)
def test_a_batch_that_may_have_been_carried_out_is_told_so(recorded: Recorded, run_id: str):
    asked = set()
    for ref in recorded.scripts[run_id].asked:
        name = (ref.partition, ref.first_cut, ref.retry_round)
        assert ref.is_repeated or name not in asked
        asked.add(name)


def test_a_shard_that_died_goes_on_where_it_was(recorded: Recorded):
    asked = Counter(
        (ref.partition, ref.first_cut, ref.retry_round)
        for ref in recorded.scripts["restarted"].asked
    )
    again = {key for key, count in asked.items() if count > 1}
    assert again == {(1, 1, 1), (1, 3, 1)}, "only the round in which it died"
    assert all(
        ref.is_repeated for ref in recorded.scripts["restarted"].asked[-2:] if ref.retry_round == 1
    )


@pytest.mark.parametrize(
    ("run_id", "counts"),
    [
        ("resumed", PATIENT),
        ("resumed-shards", {name: 2 * count for name, count in PATIENT.items()}),
    ],
)
def test_a_run_that_died_is_taken_up_and_counts_each_wave_once(
    recorded: Recorded, run_id: str, counts: dict[str, int]
):
    run = last_run(recorded, run_id)
    assert settled(run) == ShardCounts(**counts)
    state = recorded.governors[run_id]
    assert state.counts("process") == ShardCounts(**counts)
    assert (state.phase, state.items.pending) == ("done", 0)
    assert recorded.outputs[run_id]["outcome"] == "succeeded"


def test_a_run_that_died_leaves_its_shards_to_children(recorded: Recorded):
    assert {one.instance_id for one in recorded.of("resumed")} == {"resumed:s00"}


def test_a_run_that_died_while_it_compensated_undoes_the_rest(recorded: Recorded):
    state, script = (
        recorded.governors["resumed-compensating"],
        recorded.scripts["resumed-compensating"],
    )
    assert state.counts("compensate").succeeded == 3
    every = {(*divmod(batch, 2), retry_round) for batch in range(3) for retry_round in (0, 1)}
    assert {(ref.partition, ref.first_cut, ref.retry_round) for ref in script.undone} == every
    assert recorded.outputs["resumed-compensating"]["outcome"] == "succeeded"


def test_a_run_that_breaks_while_it_works_off_its_shard_itself_ends_all_the_same(
    recorded: Recorded,
):
    assert recorded.of("broken") == []
    state = recorded.governors["broken"]
    assert (state.phase, state.items.succeeded) == ("done", 20)
    assert settled(last_run(recorded, "broken")).succeeded == 0
