"""Determinism: whatever part of a history an orchestrator has seen, it decides as it did before."""

from itertools import pairwise

import pytest

from fanout.messages.payloads import MAX_PAYLOAD_BYTES
from tests.support.replays.recorded_histories import begins_with, payload_bytes, replay
from tests.support.replays.recorded_runs import ORCHESTRATORS, Recorded
from tests.support.replays.scenarios import scenarios

SCENARIOS = sorted(scenarios())
MOST_EVENTS = 1_000


@pytest.mark.parametrize("run_id", SCENARIOS)
@pytest.mark.parametrize("orchestrator", sorted(ORCHESTRATORS))
def test_every_prefix_of_a_history_gives_the_beginning_of_the_same_actions(
    recorded: Recorded, run_id: str, orchestrator: str
):
    function = recorded.functions[orchestrator]
    for recording in recorded.of(run_id, orchestrator):
        whole = replay(function, recording.turns[-1])
        before = None
        for context in recording.prefixes():
            reply = replay(function, context)
            assert begins_with(whole, reply)
            assert before is None or begins_with(reply, before)
            before = reply
        assert before == whole


def has_deaths(recorded: Recorded, run_id: str) -> bool:
    return recorded.scripts[run_id].dies_after is not None


@pytest.mark.parametrize("run_id", SCENARIOS)
def test_each_turn_asks_again_for_all_that_the_turns_before_asked_for(
    recorded: Recorded, run_id: str
):
    for orchestrator in ORCHESTRATORS:
        found = recorded.of(run_id, orchestrator)
        for number, recording in enumerate(found):
            replies = [replay(recorded.functions[orchestrator], turn) for turn in recording.turns]
            is_over = [reply.is_done or reply.error is not None for reply in replies]
            later = [one.instance_id for one in found[number + 1 :]]
            has_died = has_deaths(recorded, run_id) and recording.instance_id in later
            assert is_over[:-1] == [False] * (len(replies) - 1)
            assert is_over[-1] or has_died
            assert all(begins_with(b, a) for a, b in pairwise(replies))
            assert replies[-1].actions


def test_a_replay_gives_the_same_bytes_twice(recorded: Recorded):
    for recording in recorded.recordings:
        function = recorded.functions[recording.orchestrator]
        assert replay(function, recording.turns[-1]) == replay(function, recording.turns[-1])


def test_the_scenarios_reach_what_a_history_can_hold(recorded: Recorded):
    kinds = {event["EventType"] for one in recorded.recordings for event in one.history}
    executions = {one.instance_id for one in recorded.recordings}
    activity, sub_orchestration, timer = (4, 5, 6), (7, 8, 9), (10, 11)
    assert {*activity, *sub_orchestration, *timer} <= kinds
    assert len(recorded.recordings) > len(executions), "nothing continued as new"


def test_no_history_comes_near_a_thousand_events(recorded: Recorded):
    assert max(len(one.history) for one in recorded.recordings) < MOST_EVENTS


def test_no_message_in_a_history_is_longer_than_four_kibibytes(recorded: Recorded):
    for recording in recorded.recordings:
        for event in recording.history:
            for key in ("Input", "Result"):
                assert payload_bytes(event.get(key)) <= MAX_PAYLOAD_BYTES, recording.instance_id


def test_the_histories_are_those_of_the_registered_orchestrators(recorded: Recorded):
    assert {one.orchestrator for one in recorded.recordings} == ORCHESTRATORS
