"""Tickets tell answers apart."""

import json

import pytest

from fanout.governor.owners import owner_of
from fanout.messages.beginning import BeginAsk
from fanout.messages.fan_in import LayOutAsk
from fanout.messages.payloads import dump
from fanout.messages.tickets import (
    ForeignAnswer,
    add_ticket,
    answer_as_child,
    answer_ask,
    call_ticket,
    child_ticket,
    read_answer,
)

ASKED = {"run_id": "r", "work": {"call": 3, "began_at": "2026-01-01"}, "at": "2026-01-01"}


@pytest.mark.parametrize("answer", [{"a": 1}, "", 0, False, None, ["x"]])
def test_an_answer_is_known_by_the_ticket_of_its_question(answer: object) -> None:
    ticket = call_ticket("steer", ASKED)
    sent = json.loads(json.dumps(add_ticket(ASKED, ticket)))
    came = json.loads(json.dumps(answer_ask(sent, answer)))
    assert read_answer(came, ticket) == answer
    assert read_answer(came, call_ticket("begin", ASKED)) == ForeignAnswer()
    assert read_answer(came, call_ticket("steer", {**ASKED, "run_id": "s"})) == ForeignAnswer()


def test_when_something_is_asked_makes_no_other_question_of_it() -> None:
    later = {"at": "2027-01-01", "work": {"began_at": None, "call": 3}, "run_id": "r"}
    assert call_ticket("steer", later) == call_ticket("steer", ASKED)
    again = {"run_id": "r", "work": {"call": 4}}
    assert call_ticket("steer", again) != call_ticket("steer", ASKED)


def test_when_the_box_of_a_wave_was_granted_makes_no_other_question_of_it() -> None:
    """A turn that is taken again has another time; its answers are those of the first."""
    ask = {"run_id": "r", "box": {"seconds": 2.0, "granted_at": "2026-01-01"}}
    later = {"run_id": "r", "box": {"seconds": 2.0, "granted_at": "2026-01-02"}}
    assert call_ticket("process_batch", later) == call_ticket("process_batch", ask)
    wider = {"run_id": "r", "box": {"seconds": 4.0}}
    assert call_ticket("process_batch", wider) != call_ticket("process_batch", ask)


def test_an_answer_to_a_version_that_knew_no_owner_is_taken() -> None:
    """A run may be in the middle of its wait when the app is deployed, or put back."""
    ask = dump(BeginAsk(run_id="r", max_runs=16, owner=owner_of("images", "ann"), at="2026-01-01"))
    earlier = {name: value for name, value in ask.items() if name != "owner"}
    assert call_ticket("begin", ask) == call_ticket("begin", earlier)


def test_a_child_is_known_by_its_id() -> None:
    came = answer_as_child("r:s1", {"waves": 1})
    assert read_answer(came, child_ticket("r:s1")) == {"waves": 1}
    assert read_answer(came, child_ticket("r:s2")) == ForeignAnswer()


def test_what_a_timer_says_is_no_answer_and_what_bears_no_ticket_is_taken() -> None:
    assert read_answer(None, "t") == ForeignAnswer()
    assert read_answer({"succeeded": 1}, "t") == {"succeeded": 1}


def test_an_answer_to_a_version_that_counted_no_pending_items_is_taken() -> None:
    """The verdict in an old history has no count; a replay asks what was asked then."""
    ask = dump(LayOutAsk(run_id="r", attempt=1))
    earlier = ask | {"verdict": {k: v for k, v in ask["verdict"].items() if k != "pending"}}
    assert call_ticket("lay_out", ask) == call_ticket("lay_out", earlier)
    counted = ask | {"verdict": ask["verdict"] | {"pending": 3}}
    assert call_ticket("lay_out", ask) != call_ticket("lay_out", counted)
