"""What every registered activity does around its work."""

import asyncio
import threading
import traceback
from types import SimpleNamespace
from typing import Any, get_type_hints

import azure.functions as func
import pytest
from azure.core.exceptions import HttpResponseError, ResourceNotFoundError

from activities.events import Events
from activities.registered import ACTIVITIES
from activities.shell import make_blueprint, message_type
from fanout.messages.base import Message
from fanout.messages.run import RunRef
from fanout.messages.tickets import add_ticket, read_answer
from fanout.naming.functions import AWAY
from orchestrators.tasks import TaskResult
from tests.support.workloads.hostile_workloads import ERRORS

ASK = {"run_id": "r", "attempt": 2, "claim": "c", "trace": None}
CONTEXT = SimpleNamespace(
    function_name="count",
    invocation_id="i",
    trace_context=None,
    thread_local_storage=threading.local(),
)


class Counted(Message):
    attempts: int


def count(ref: RunRef) -> Counted:
    """Count."""
    return Counted(attempts=ref.attempt)


def nothing(ref: RunRef) -> None:
    """Do nothing."""


def wake(ref: RunRef, events: Events) -> bool:
    """Wake."""
    return events.raise_event(ref.run_id, "turn")


def untyped(ask: dict) -> dict:
    return ask


def greedy(ref: RunRef, other: str) -> None:
    """Ask for what nobody gives."""


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


@pytest.mark.parametrize("work", [untyped, greedy])
def test_what_takes_no_message_is_no_activity(work: Any) -> None:
    with pytest.raises(TypeError, match="takes no message"):
        make_blueprint({"count": work})


def test_an_activity_that_asks_for_events_has_a_durable_client() -> None:
    (builder,) = make_blueprint({"count": wake})._function_builders
    function = builder._function
    bindings = {binding.name: binding.type for binding in function.get_bindings()}
    assert bindings == {"client": "durableClient", "ask": "activityTrigger"}
    hints = get_type_hints(function.get_user_function())
    assert hints == {"ask": dict, "client": str, "context": func.Context, "return": dict}
    assert function.get_user_function().__name__ == "count"


def test_an_activity_raises_an_event_and_answers() -> None:
    raised = []

    async def raise_event(*event: Any) -> None:
        raised.append(event)

    function = shell(wake).client_function  # what the SDK calls with a client
    client = SimpleNamespace(raise_event=raise_event)
    result = asyncio.run(function(add_ticket(ASK, "t"), client, CONTEXT))
    assert read_answer(result, "t") is True
    assert raised == [("r", "turn")]


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


def refused(ref: RunRef) -> None:
    """Meet storage that refuses."""
    error = HttpResponseError("AuthorizationFailure")
    error.status_code = 403
    raise error


def gone(ref: RunRef) -> None:
    """Ask for what is not there."""
    raise ResourceNotFoundError("BlobNotFound")


def test_that_storage_is_away_is_said_so_that_orchestrators_call_again() -> None:
    with pytest.raises(Exception, match=AWAY) as raised:
        shell(refused)(ASK, CONTEXT)
    assert TaskResult(failure=str(raised.value)).is_transient
    assert "AuthorizationFailure" in str(raised.value)
    with pytest.raises(ResourceNotFoundError) as answer:
        shell(gone)(ASK, CONTEXT)
    assert not TaskResult(failure=str(answer.value)).is_transient
