"""The shell of an activity: what every registered function does around the work itself.

It reads the message, has the work done under a trace span and with ids in its log lines, and gives
the answer with the ticket of the question.
"""

import traceback
from collections.abc import Callable, Iterator, Mapping
from typing import Any, get_type_hints

import azure.durable_functions as df
import azure.functions as func
from pydantic import BaseModel

from activities.accounting import account_activity
from fanout.adapters.telemetry.spans import trace_activity
from fanout.messages.base import Message
from fanout.messages.payloads import dump
from fanout.messages.tickets import answer_ask
from fanout.printable import describe_failure

# Takes one message; gives another, or plain JSON.
Work = Callable[[Any], Any]


def make_blueprint(activities: Mapping[str, Work]) -> df.Blueprint:
    """Register what activities do under the names that orchestrators call."""
    blueprint = df.Blueprint()
    for name, work in activities.items():
        blueprint.activity_trigger(input_name="ask", activity=name)(_make_shell(name, work))
    return blueprint


def _make_shell(name: str, work: Work) -> Callable[[dict, func.Context], dict]:
    kind = message_type(work)

    # The worker reads the annotations, which must be plain, and the name.
    def shell(ask: dict, context: func.Context) -> dict:
        # What a shard asks is about its work.
        with trace_activity(context, ask.get("work", ask)), account_activity(ask) as account:
            answer = _to_json(_carry_out(work, kind.model_validate(ask)))
            return answer_ask(ask, answer, account.activity)

    shell.__name__ = shell.__qualname__ = name
    shell.__doc__ = work.__doc__
    return shell


class ActivityError(Exception):
    """What an activity raised, in a form that every worker can tell."""


def _carry_out(work: Work, message: Message) -> Any:
    """Do the work; what the worker could not answer, or would die of, is raised as plain text.

    A worker that is told of `StopIteration` or `CancelledError`, or of text that UTF-8 cannot hold,
    gives no answer; `SystemExit` and `KeyboardInterrupt` end its process.
    """
    try:
        return work(message)
    except BaseException as error:
        if _can_be_told(error):
            raise
        text = describe_failure(error)
    raise ActivityError(text)


def _can_be_told(error: BaseException) -> bool:
    """Tell whether a worker can write down an error with all that it came of."""
    try:
        # A group may hold so many that nobody could ever write them all.
        odd = StopIteration | BaseExceptionGroup
        if not isinstance(error, Exception) or any(isinstance(e, odd) for e in _chain(error)):
            return False
        "".join(traceback.format_exception(error)).encode()
    except BaseException:  # noqa: BLE001  an error's class and text are user code, too
        return False
    return True


def _chain(error: BaseException) -> Iterator[BaseException]:
    """An error and what it came of, nearest first."""
    seen: set[int] = set()
    following: BaseException | None = error
    while following is not None and id(following) not in seen:
        seen.add(id(following))
        yield following
        following = following.__cause__ or following.__context__


def message_type(work: Work) -> type[Message]:
    """The message that an activity takes: the type of its only parameter."""
    hints = get_type_hints(work)
    hints.pop("return", None)
    kind: type[Message]
    (kind,) = hints.values()
    if not issubclass(kind, Message):
        raise TypeError(f"{work.__name__} takes no message")
    return kind


def _to_json(result: Any) -> Any:
    return dump(result) if isinstance(result, BaseModel) else result
