"""What fan-ins come to, whatever their activities do; recorded with the histories."""

from collections import Counter
from itertools import pairwise

from fanout.messages.fan_in import MERGED_AT_ONCE, RANGES_AT_ONCE
from fanout.naming import functions
from tests.support.replays.recorded_histories import in_flight
from tests.support.replays.recorded_runs import Recorded


def written(recorded: Recorded, run_id: str) -> Counter[int]:
    return Counter(ref.number for ref in recorded.scripts[run_id].written)


def test_one_range_is_written_by_the_activity_that_settles(recorded: Recorded):
    assert recorded.of("calm", functions.FAN_IN) == []
    run = recorded.of("calm", functions.RUN)[0]
    activities = [event["Name"] for event in run.history if event["EventType"] == 4]
    assert set(activities) == {functions.BEGIN, functions.SETTLE, functions.FINISH}
    assert activities.count(functions.SETTLE) == 1
    assert recorded.scripts["calm"].finalized == []


def test_a_fan_in_is_named_after_its_run(recorded: Recorded):
    (fan_in,) = recorded.of("tree", functions.FAN_IN)
    assert fan_in.instance_id == "tree:f"


def test_each_range_is_written_once_and_finalized_after(recorded: Recorded):
    for run_id, ranges in (("ranges", 3), ("tree", 17), ("many-ranges", 300)):
        assert written(recorded, run_id) == Counter(range(ranges))
        (last,) = recorded.scripts[run_id].finalized
        assert last.ranges == ranges
        assert recorded.outputs[run_id]["outcome"] == "succeeded"


def test_partials_merge_in_a_tree_until_one_is_left(recorded: Recorded):
    for run_id, tree in (("tree", {1: 2, 2: 1}), ("many-ranges", {1: 19, 2: 2, 3: 1})):
        script = recorded.scripts[run_id]
        below = {0: len(script.written)} | tree
        for level, width in tree.items():
            merges = sorted(
                (ref for ref in script.merged if ref.level == level), key=lambda ref: ref.number
            )
            assert [ref.number for ref in merges] == list(range(width))
            joined = [number for ref in merges for number in ref.merged]
            assert joined == list(range(below[level - 1])), "every partial once, in source order"
            assert all(len(ref.merged) <= MERGED_AT_ONCE for ref in merges)
        assert {ref.level for ref in script.merged} == tree.keys()
        assert script.finalized[0].level == max(tree)


def test_nothing_is_merged_where_there_are_no_partials(recorded: Recorded):
    assert recorded.scripts["ranges"].merged == []
    assert recorded.scripts["ranges"].finalized[0].level == 0


def test_no_more_ranges_are_in_flight_than_a_wave_has(recorded: Recorded):
    found = recorded.of("many-ranges", functions.FAN_IN)
    assert max(max(in_flight(one)) for one in found) == RANGES_AT_ONCE


def test_a_fan_in_continues_as_new_and_carries_only_the_position(recorded: Recorded):
    executions = recorded.of("many-ranges", functions.FAN_IN)
    assert len(executions) > 2
    places = [(one.input["level"], one.input["first"]) for one in executions]
    assert all(later > earlier for earlier, later in pairwise(places))
    (run,) = recorded.of("many-ranges", functions.RUN)
    asked = [e for e in run.history if e.get("Name") in (functions.SETTLE, functions.LAY_OUT)]
    assert len(asked) == 1, "laid out once"


def test_a_run_that_compensates_is_laid_out_after_that(recorded: Recorded):
    (run,) = recorded.of("compensated", functions.RUN)
    settled = [functions.SETTLE, functions.PLAN_COMPENSATION, functions.LAY_OUT]
    assert [e["Name"] for e in run.history if e.get("Name") in settled] == settled


def test_a_range_that_fails_once_costs_nothing(recorded: Recorded):
    assert written(recorded, "flaky-range") == Counter({0: 2, 1: 2, 2: 2})
    assert recorded.outputs["flaky-range"]["outcome"] == "succeeded"


def test_a_wave_that_is_lost_whole_is_the_last(recorded: Recorded):
    tries = {n: 5 if n >= RANGES_AT_ONCE else 1 for n in range(2 * RANGES_AT_ONCE)}
    assert written(recorded, "lost-ranges") == Counter(tries)
    assert recorded.outputs["lost-ranges"]["outcome"] == "failed"
    first, second = recorded.of("lost-ranges", functions.FAN_IN)
    assert len(first.history) < len(second.history), "every attempt is in one history"


def test_a_range_lost_for_good_fails_the_run_when_the_others_are_through(recorded: Recorded):
    assert written(recorded, "lost-range") == Counter({0: 1, 1: 5, 2: 1})
    assert recorded.scripts["lost-range"].finalized == []
    output = recorded.outputs["lost-range"]
    assert output["outcome"] == "failed"
    assert "no room for results" in output["error"]
    assert "ClassName" not in output["error"]
    assert recorded.governors["lost-range"].phase == "done"
