from localhost.durable.engine.determinism import violation
from localhost.durable.protocol.actions import ActionType


def test_a_replay_that_asks_for_more_agrees():
    recorded = [(0, "a"), (6, "E")]
    assert violation(recorded, [(0, "A"), (6, "E"), (5, "")], [0, -1]) is None


def test_a_replay_that_asks_for_less_is_told_what_is_missing():
    found = violation([(6, "E"), (2, "child")], [], [-1, 4])
    assert found is not None
    assert found.place == 1
    assert "a sub-orchestration task with sequence ID 4 and name 'child'" in found.text
    assert "hasn't (yet?) scheduled this task" in found.text


def test_a_replay_of_another_kind_is_told_what_it_asks_for_instead():
    found = violation([(0, "a")], [(ActionType.CREATE_TIMER, "")], [0])
    assert found is not None
    assert "instead produced a CreateTimerOrchestratorAction action" in found.text
