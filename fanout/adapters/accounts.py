"""Accounts: what an activity or a starter uses while it works.

An account is open in the context of whoever opened it, and of threads that work for it
(`fanout.threads`). The storage clients note each answer of the service in the account that is open.
"""

import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from math import ceil
from threading import Lock
from typing import Any
from urllib.parse import parse_qs, urlsplit

from fanout.models.usage import Usage
from fanout.pricing.billing import billed_ms

_READ, _LIST, _OTHER, _WRITE = "blob_reads", "blob_lists", "blob_other", "blob_writes"
_account: ContextVar["Account | None"] = ContextVar("account", default=None)


class Account:
    """What is used while it is open; threads may note in it at once.

    Args:
        earlier: What was used before and nobody has been told of.
    """

    def __init__(self, earlier: Usage) -> None:
        self._earlier = earlier
        self._lock = Lock()
        self._counts: Counter[str] = Counter()
        self._began = time.perf_counter()

    def note(self, kind: str, count: int = 1) -> None:
        """Note a storage operation, or so much of another kind."""
        with self._lock:
            self._counts[kind] += count

    @property
    def operations(self) -> Usage:
        """What has been noted so far."""
        with self._lock:
            return Usage(**self._counts)

    @property
    def activity(self) -> Usage:
        """What an activity has used that began with it and ends now, and what was used before."""
        taken = ceil((time.perf_counter() - self._began) * 1000)
        time_used = Usage(activities=1, activity_ms=taken, billed_ms=billed_ms(taken))
        return self.operations.plus(time_used).plus(self._earlier)


@contextmanager
def open_account(earlier: Usage | None = None) -> Iterator[Account]:
    """Open an account; what is used meanwhile is noted in it and in no other."""
    account = Account(earlier or Usage())
    token = _account.set(account)
    try:
        yield account
    finally:
        _account.reset(token)


def current_account() -> Account:
    """The account that is open; an empty one where there is none."""
    return _account.get() or Account(Usage())


def note_item_time(milliseconds: float) -> None:
    """Note how long the items of a batch took."""
    _note("item_ms", ceil(milliseconds))


def note_blob_answer(response: Any) -> None:
    """Note that Blob storage has answered; a `raw_response_hook` of its client."""
    _note(blob_operation(response.http_request.method, response.http_request.url))


def note_table_answer(response: Any) -> None:
    """Note that Table storage has answered; a `raw_response_hook` of its client."""
    _note(table_operation(response.http_request.method))


def _note(kind: str, count: int = 1) -> None:
    account = _account.get()
    if account is not None:
        account.note(kind, count)


def blob_operation(method: str, url: str) -> str:
    """The kind of a request of Blob storage, by which it is billed.

    Source: https://learn.microsoft.com/azure/storage/blobs/map-rest-apis-transaction-categories
    """
    query = parse_qs(urlsplit(url).query)
    component, resource = query.get("comp"), query.get("restype")
    if method == "DELETE":
        return "blob_deletes"
    if component == ["list"] or (method == "PUT" and resource == ["container"]):
        return _LIST
    if method == "PUT":
        return _WRITE
    return _READ if method == "GET" and component is None and resource is None else _OTHER


def table_operation(method: str) -> str:
    """The kind of a request of Table storage; a transaction is one request."""
    return "table_reads" if method in ("GET", "HEAD") else "table_writes"
