"""What an activity has used, said with its answer.

An activity that raises has no answer to say it with. What it has used is kept, and the next
activity of the run in this process says it too; where the process dies, nobody does.
"""

from collections import OrderedDict
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from threading import Lock
from typing import Any

from fanout.adapters.accounts import Account, open_account
from fanout.models.usage import Usage

_MAX_KEPT_RUNS = 1_000
_kept: OrderedDict[str, Usage] = OrderedDict()
_lock = Lock()


@contextmanager
def account_activity(ask: Mapping[str, Any]) -> Iterator[Account]:
    """Open an account for an activity with this input."""
    run_id = _run_of(ask)
    with open_account(_take(run_id)) as account:
        try:
            yield account
        except BaseException:
            _keep(run_id, account.activity)
            raise


def _run_of(ask: Mapping[str, Any]) -> str:
    """The run of an input: it says so itself, or the batch or the work in it does."""
    for part in (ask, ask.get("batch"), ask.get("work")):
        if isinstance(part, Mapping) and "run_id" in part:
            return str(part["run_id"])
    return ""


def _take(run_id: str) -> Usage:
    with _lock:
        return _kept.pop(run_id, Usage())


def _keep(run_id: str, usage: Usage) -> None:
    with _lock:
        _kept[run_id] = _kept.pop(run_id, Usage()).plus(usage)
        while len(_kept) > _MAX_KEPT_RUNS:
            _kept.popitem(last=False)
