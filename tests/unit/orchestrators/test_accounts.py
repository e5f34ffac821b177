from types import SimpleNamespace
from typing import Any

from fanout.messages.tickets import answer_as_child, answer_ask
from fanout.models.usage import Usage
from orchestrators.accounts import note_answer, note_message, open_account, usage_of


def context() -> Any:
    return SimpleNamespace()


def test_an_orchestration_begins_with_the_message_that_starts_it():
    fresh = context()
    open_account(fresh)
    assert usage_of(fresh) == Usage(orchestrations=1, messages=1)


def test_it_goes_on_from_what_it_carries():
    continued = context()
    open_account(continued, Usage(activities=5, orchestrations=1, messages=6))
    assert usage_of(continued) == Usage(activities=5, orchestrations=2, messages=7)


def test_each_answer_timer_and_failure_is_a_message_and_answers_say_what_they_took():
    here = context()
    open_account(here)
    note_answer(here, answer_ask({}, "yes", Usage(activities=1, blob_reads=2)))
    note_answer(here, answer_as_child("c", 1, Usage(activities=3, messages=4)))
    note_answer(here, answer_ask({}, "of an earlier version"))
    note_answer(here, None)
    note_message(here)
    assert usage_of(here) == Usage(activities=4, orchestrations=1, messages=1 + 4 + 5, blob_reads=2)
