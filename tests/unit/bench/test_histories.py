"""Messages in a row, of turns whose chain was drawn by hand."""

from typing import Any

from bench.histories import Turn, count_activities, count_events, messages_in_a_row
from localhost.durable.protocol.events import EventType


def _event(kind: EventType, number: int = -1, **fields: Any) -> dict[str, Any]:
    return {"EventType": int(kind), "EventId": number, **fields}


def _start() -> dict[str, Any]:
    return _event(EventType.EXECUTION_STARTED)


def _order(number: int, name: str = "work") -> dict[str, Any]:
    return _event(EventType.TASK_SCHEDULED, number, Name=name)


def _answer(number: int) -> dict[str, Any]:
    return _event(EventType.TASK_COMPLETED, TaskScheduledId=number)


def test_two_activities_one_after_the_other_are_five_messages():
    turns = [
        Turn("run", [_start(), _order(0)]),
        Turn("run", [_answer(0), _order(1)]),
        Turn("run", [_answer(1)]),
    ]
    assert messages_in_a_row(turns) == 5  # the start, and an order and an answer of each


def test_activities_side_by_side_are_as_long_as_one():
    orders, answers = [_order(n) for n in range(9)], [_answer(n) for n in range(9)]
    turns = [Turn("run", [_start(), *orders]), *(Turn("run", [answer]) for answer in answers)]
    assert messages_in_a_row(turns) == 3
    assert count_activities(turns) == {"work": 9}
    assert count_events(turns)[EventType.TASK_COMPLETED] == 9


def test_a_child_adds_its_start_its_own_chain_and_its_answer():
    created = _event(EventType.CHILD_CREATED, 0, InstanceId="child")
    turns = [
        Turn("run", [_start(), created]),
        Turn("child", [_start(), _order(0)]),
        Turn("child", [_answer(0)]),
        Turn("run", [_event(EventType.CHILD_COMPLETED, TaskScheduledId=0)]),
    ]
    assert messages_in_a_row(turns) == 1 + 1 + 2 + 1


def test_a_timer_and_a_new_history_are_a_message_each():
    turns = [
        Turn("run", [_start(), _event(EventType.TIMER_CREATED, 0)]),
        Turn("run", [_event(EventType.TIMER_FIRED, TimerId=0)]),
        Turn("run", [_start(), _order(0)]),
        Turn("run", [_answer(0)]),
    ]
    assert messages_in_a_row(turns) == 1 + 1 + 1 + 2


def test_a_call_of_an_entity_is_two_messages_and_an_event_from_outside_none():
    call = _event(EventType.EVENT_SENT, 0, Name="op", Input='{"id": "abc", "op": "get"}')
    signal = _event(EventType.EVENT_SENT, 1, Name="note", Input="no json")
    turns = [
        Turn("run", [_start(), call, signal]),
        Turn("run", [_event(EventType.EVENT_RAISED, Name="abc"), _order(2)]),
        Turn("run", [_event(EventType.EVENT_RAISED, Name="stop")]),
        Turn("run", [_answer(2)]),
    ]
    assert messages_in_a_row(turns) == 1 + 2 + 2
