"""What every registered activity does around its work."""

import traceback
from types import SimpleNamespace
from typing import Any, get_type_hints

import azure.functions as func
import pytest

from activities.registered import ACTIVITIES
from activities.shell import make_blueprint, message_type
from fanout.messages.base import Message
from fanout.messages.run import RunRef
from fanout.messages.tickets import add_ticket, read_answer
from tests.support.workloads.hostile_workloads import ERRORS

ASK = {"run_id": "r", "attempt": 2, "claim": "c", "trace": None}
CONTEXT = SimpleNamespace(function_name="count", invocation_id="i", trace_context=None)


class Counted(Message):
    attempts: int


def count(ref: RunRef) -> Counted:
    """Count."""
    return Counted(attempts=ref.attempt)


def nothing(ref: RunRef) -> None:
    """Do nothing."""


def untyped(ask: dict) -> dict:
    return ask


def shell(work: Any) -> Any:
    df_functions = make_blueprint({"count": work})._function_builders
    return df_functions[0]._function.get_user_function()


@pytest.mark.parametrize(("work", "answer"), [(count, {"attempts": 2}), (nothing, None)])
def test_the_message_is_read_and_the_answer_bears_the_ticket_of_the_question(
    work: Any, answer: Any
) -> None:
    result = shell(work)(add_ticket(ASK, "t"), CONTEXT)
    assert read_answer(result, "t") == answer


def test_the_worker_finds_plain_types_and_the_name() -> None:
    function = shell(count)
    assert (function.__name__, function.__doc__) == ("count", "Count.")
    hints = get_type_hints(function)
    assert hints == {"ask": dict, "context": func.Context, "return": dict}


def test_what_takes_no_message_is_no_activity() -> None:
    with pytest.raises(TypeError, match="takes no message"):
        make_blueprint({"untyped": untyped})


def test_every_activity_takes_a_message_about_a_run() -> None:
    for work in ACTIVITIES.values():
        assert {"run_id", "batch", "work"} & {*message_type(work).model_fields}, work.__name__


@pytest.mark.parametrize("name", ERRORS)
def test_whatever_an_activity_raises_can_be_told_by_every_worker(name: str) -> None:
    def broken(ref: RunRef) -> None:
        """Raise."""
        raise ERRORS[name]()

    with pytest.raises(Exception) as raised:
        shell(broken)(ASK, CONTEXT)
    assert not isinstance(raised.value, StopIteration)
    "".join(traceback.format_exception(raised.value)).encode()


def test_an_error_that_can_be_told_stays_as_it_is() -> None:
    fault = ValueError("caf\u00e9")

    def broken(ref: RunRef) -> None:
        """Raise."""
        raise fault

    with pytest.raises(ValueError, match="caf") as raised:
        shell(broken)(ASK, CONTEXT)
    assert raised.value is fault
