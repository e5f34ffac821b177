"""Tickets tell answers apart."""

import json

import pytest

from fanout.messages.tickets import (
    NotItsAnswer,
    answered,
    answered_by_child,
    opened,
    ticket_of,
    ticket_of_child,
    with_ticket,
)

ASKED = {"run_id": "r", "work": {"call": 3, "began_at": "2026-01-01"}, "at": "2026-01-01"}


@pytest.mark.parametrize("answer", [{"a": 1}, "", 0, False, None, ["x"]])
def test_an_answer_is_known_by_the_ticket_of_its_question(answer: object) -> None:
    ticket = ticket_of("steer", ASKED)
    sent = json.loads(json.dumps(with_ticket(ASKED, ticket)))
    came = json.loads(json.dumps(answered(sent, answer)))
    assert opened(came, ticket) == answer
    assert opened(came, ticket_of("begin", ASKED)) == NotItsAnswer()
    assert opened(came, ticket_of("steer", {**ASKED, "run_id": "s"})) == NotItsAnswer()


def test_when_something_is_asked_makes_no_other_question_of_it() -> None:
    later = {"at": "2027-01-01", "work": {"began_at": None, "call": 3}, "run_id": "r"}
    assert ticket_of("steer", later) == ticket_of("steer", ASKED)
    again = {"run_id": "r", "work": {"call": 4}}
    assert ticket_of("steer", again) != ticket_of("steer", ASKED)


def test_a_child_is_known_by_its_id() -> None:
    came = answered_by_child("r:s1", {"waves": 1})
    assert opened(came, ticket_of_child("r:s1")) == {"waves": 1}
    assert opened(came, ticket_of_child("r:s2")) == NotItsAnswer()


def test_what_a_timer_says_is_no_answer_and_what_bears_no_ticket_is_taken() -> None:
    assert opened(None, "t") == NotItsAnswer()
    assert opened({"succeeded": 1}, "t") == {"succeeded": 1}
