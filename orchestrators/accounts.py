"""What an orchestration has used so far: its own messages, and what those have said that it called.

It is kept beside the context, of which each replay makes a new one.
"""

from typing import Any

from fanout.messages.tickets import read_usage
from fanout.models.usage import Usage

_KEY = "fanout_usage"
_START = Usage(orchestrations=1, messages=1)


def open_account(context: Any, carried: Usage | None = None) -> None:
    """Begin to count; `carried` is what was used before this execution."""
    vars(context)[_KEY] = _START if carried is None else carried.plus(_START)


def usage_of(context: Any) -> Usage:
    """What has been used until now, as far as it is known here."""
    usage: Usage = vars(context).get(_KEY, _START)
    return usage


def note_answer(context: Any, answer: Any) -> None:
    """Note that an answer has come, or a failure, which says nothing; and what was used for it."""
    _add(context, Usage(messages=1).plus(read_usage(answer)))


def note_message(context: Any) -> None:
    """Note that a timer has fired, or an event has come."""
    _add(context, Usage(messages=1))


def _add(context: Any, usage: Usage) -> None:
    vars(context)[_KEY] = usage_of(context).plus(usage)
