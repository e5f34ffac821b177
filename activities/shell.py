"""The shell of an activity: what every registered function does around the work itself.

It reads the message, has the work done under a trace span and with ids in its log lines, and gives
the answer with the ticket of the question.

Work that has a second parameter of type `Events` can raise events of orchestrations. Its function
is async then, since the SDK gives a durable client to such alone; the work is done on a thread.
"""

import asyncio
from collections.abc import Callable, Coroutine, Mapping
from typing import Any, get_type_hints

import azure.functions as func
from pydantic import BaseModel

from activities.accounting import account_activity
from activities.events import Events, work_on_thread
from fanout.adapters.infrastructure import is_infrastructure
from fanout.adapters.telemetry.spans import trace_activity
from fanout.durable.app import Blueprint, client_input
from fanout.messages.base import Message
from fanout.messages.payloads import dump
from fanout.messages.tickets import answer_ask
from fanout.naming.functions import AWAY
from fanout.printable import describe_failure
from fanout.telling import can_be_told

# Takes one message, and if it asks for them, events; gives another message, or plain JSON.
Work = Callable[..., Any]


def make_blueprint(activities: Mapping[str, Work]) -> Blueprint:
    """Register what activities do under the names that orchestrators call."""
    blueprint = Blueprint()
    for name, work in activities.items():
        function = _make_shell(name, work)
        if raises_events(work):
            function = client_input(blueprint)(function)
        blueprint.activity_trigger(input_name="ask", activity=name)(function)
    return blueprint


def _make_shell(name: str, work: Work) -> Callable[..., Any]:
    shell = (_make_event_shell if raises_events(work) else _make_plain_shell)(work)
    shell.__name__ = shell.__qualname__ = name
    shell.__doc__ = work.__doc__
    return shell


# The worker reads the annotations of a shell, which must be plain, and its name.
def _make_plain_shell(work: Work) -> Callable[..., dict]:
    kind = message_type(work)

    def shell(ask: dict, context: func.Context) -> dict:
        return _answer(ask, context, kind, work)

    return shell


def _make_event_shell(work: Work) -> Callable[..., Coroutine[Any, Any, dict]]:
    kind = message_type(work)

    async def shell(ask: dict, client: Any, context: func.Context) -> dict:
        events = Events(client, asyncio.get_running_loop())

        def work_with_events(message: Message) -> Any:
            return work(message, events)

        return await work_on_thread(context, lambda: _answer(ask, context, kind, work_with_events))

    return shell


def _answer(ask: dict, context: func.Context, kind: type[Message], work: Work) -> dict:
    # What a shard asks is about its work.
    with trace_activity(context, ask.get("work", ask)), account_activity(ask) as account:
        answer = _to_json(_carry_out(work, kind.model_validate(ask)))
        return answer_ask(ask, answer, account.activity)


class ActivityError(Exception):
    """What an activity raised, in a form that every worker can tell."""


def _carry_out(work: Work, message: Message) -> Any:
    """Do the work; what the worker could not answer, or would die of, is raised as plain text.

    A worker that is told of `StopIteration` or `CancelledError`, or of text that UTF-8 cannot hold,
    gives no answer; `SystemExit` and `KeyboardInterrupt` end its process. That storage is away is
    said in words that orchestrators know: they call again, for as long as it may be.
    """
    try:
        return work(message)
    except BaseException as error:
        if is_infrastructure(error):
            raise ActivityError(f"{AWAY}: {describe_failure(error)}") from _tellable(error)
        if can_be_told(error):
            raise
        text = describe_failure(error)
    raise ActivityError(text)


def _tellable(error: BaseException) -> BaseException | None:
    return error if can_be_told(error) else None


def message_type(work: Work) -> type[Message]:
    """The message that an activity takes: the type of its first parameter.

    Raises:
        TypeError: It takes none, or more than a message and events.
    """
    kind, *others = _parameter_types(work)
    if not issubclass(kind, Message) or others not in ([], [Events]):
        raise TypeError(f"{work.__name__} takes no message")
    return kind


def raises_events(work: Work) -> bool:
    """Tell whether work asks for events, which it may raise."""
    return Events in _parameter_types(work)


def _parameter_types(work: Work) -> list[type]:
    hints = get_type_hints(work)
    hints.pop("return", None)
    return [*hints.values()]


def _to_json(result: Any) -> Any:
    return dump(result) if isinstance(result, BaseModel) else result
