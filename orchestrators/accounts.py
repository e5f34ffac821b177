"""What an orchestration has used so far: its own messages, and what those have said that it called.

It is kept beside the context, of which each replay makes a new one. Every answer is noted in every
replay, so it is kept as plain numbers.
"""

from typing import Any

from fanout.messages.tickets import read_usage
from fanout.models.usage import Usage

_KEY = "fanout_usage"
_START = Usage(orchestrations=1, messages=1)
_MESSAGES = [*Usage.model_fields].index("messages")


def open_account(context: Any, carried: Usage | None = None) -> None:
    """Begin to count; `carried` is what was used before this execution."""
    usage = _START if carried is None else carried.plus(_START)
    vars(context)[_KEY] = [*usage.counts.values()]


def usage_of(context: Any) -> Usage:
    """What has been used until now, as far as it is known here."""
    return Usage.model_validate(_tally(context))


def note_answer(context: Any, answer: Any) -> None:
    """Note that an answer has come, or a failure, which says nothing; and what was used for it."""
    tally = _tally(context)
    tally[_MESSAGES] += 1
    # A newer version of the app may count more than this one knows.
    for number, count in enumerate(read_usage(answer)[: len(tally)]):
        tally[number] += count


def note_message(context: Any) -> None:
    """Note that a timer has fired, or an event has come."""
    _tally(context)[_MESSAGES] += 1


def _tally(context: Any) -> list[int]:
    if _KEY not in vars(context):
        open_account(context)
    tally: list[int] = vars(context)[_KEY]
    return tally
