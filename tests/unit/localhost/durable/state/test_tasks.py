"""The numbers the SDK will give, case by case (docs/host-protocol.md, 5.3 and 5.6)."""

from localhost.durable.protocol.actions import ActionType, Decision
from localhost.durable.state.tasks import NO_NUMBER, Execution, Registration, Retry

ACTIVITY = Registration((ActionType.CALL_ACTIVITY, "a"))
RETRYING = Registration((ActionType.CALL_ACTIVITY_WITH_RETRY, "a"), Retry(10, 2))
SIGNAL = Registration((ActionType.SIGNAL_ENTITY, "@e@k"))


def wait(name):
    return Registration((ActionType.WAIT_FOR_EVENT, name))


def end(execution, number, *, failed=False):
    task = execution.arrive(number, failed=failed)
    assert task is not None
    execution.settle(task)
    return task


def decision(*leaves, last):
    return Decision(list(leaves), last, None, None)


def when_all(count):
    leaf = {"actionType": 0, "functionName": "a", "input": "null"}
    return {"actionType": 12, "compoundActions": [leaf] * count}


def test_signals_take_a_number_and_event_waits_none():
    execution = Execution()
    for registration in (SIGNAL, wait("E"), ACTIVITY):
        execution.register(registration)
    assert execution.numbers == [0, NO_NUMBER, 1]
    assert list(execution.tasks) == [1]


def test_retries_number_their_timers_and_attempts_as_they_come():
    execution = Execution()
    task = execution.register(RETRYING)
    end(execution, 0, failed=True)
    assert (task.number, task.is_timer) == (1, True)
    execution.register(ACTIVITY)
    end(execution, 1)
    assert (task.number, task.is_activity, task.attempt) == (3, True, 2)
    end(execution, 3, failed=True)
    assert (task.number, task.has_attempts_left) == (4, False)
    assert not execution.has_failures
    end(execution, 4)
    assert execution.has_failures
    assert list(execution.tasks) == [2]


def test_a_second_completion_is_not_wanted():
    execution = Execution()
    execution.register(ACTIVITY)
    assert execution.arrive(0, failed=False) is not None
    assert execution.arrive(0, failed=False) is None
    assert execution.arrive(7, failed=False) is None


def test_a_when_all_needs_each_of_its_leaves():
    execution = Execution()
    for _ in range(3):
        execution.register(ACTIVITY)
    execution.expect(decision(last=when_all(3)))
    assert execution.needs.origins == {0, 1, 2}
    execution.arrive(1, failed=False)
    assert execution.needs.origins == {0, 2}


def test_one_failure_lets_a_when_all_move():
    execution = Execution()
    for _ in range(3):
        execution.register(ACTIVITY)
    execution.expect(decision(last=when_all(3)))
    execution.arrive(1, failed=True)
    assert not execution.needs.origins
    assert execution.is_certain


def test_a_failed_attempt_does_not_let_a_when_all_move():
    execution = Execution()
    execution.register(RETRYING)
    execution.expect(decision(last=when_all(1)))
    end(execution, 0, failed=True)
    assert execution.needs.origins == {0}
    end(execution, 1)
    execution.arrive(2, failed=False)
    assert not execution.needs.origins


def test_after_a_failure_nothing_is_certain_of_a_when_all():
    execution = Execution()
    execution.register(ACTIVITY)
    end(execution, 0, failed=True)
    execution.register(ACTIVITY)
    execution.expect(decision(last=when_all(1)))
    assert not execution.needs.origins
    assert not execution.is_certain


def test_what_arrived_during_the_replay_is_not_awaited():
    execution = Execution()
    for _ in range(2):
        execution.register(ACTIVITY)
    execution.arrive(0, failed=False)
    execution.expect(decision(last=when_all(2)))
    assert execution.needs.origins == {1}


def test_the_newest_wait_takes_an_event_first():
    execution = Execution()
    execution.register(wait("E"))
    execution.register(wait("E"))
    execution.raise_event("E")
    assert execution.waits == {"E": [0]}
    execution.raise_event("E")
    assert execution.waits == {}


def test_entity_calls_and_cancelled_timers_do_not_keep_an_ended_instance():
    execution = Execution()
    execution.register(Registration((ActionType.CALL_ENTITY, "@e@k")))
    timer = execution.register(Registration((ActionType.CREATE_TIMER, "")))
    assert execution.has_blocking_tasks
    timer.is_canceled = True
    assert not execution.has_blocking_tasks
    assert execution.arrive(1, failed=False) is None
