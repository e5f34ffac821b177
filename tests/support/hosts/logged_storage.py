"""An Azurite that writes down each request, so that a test can count them from outside."""

import re
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from rig.storage import Storage

REQUEST = re.compile(r'"(?P<method>[A-Z]+) (?P<url>\S+) HTTP/1\.1" \d+')
# It writes a line at once; a reader of its log may be a little faster.
QUIET_SECONDS = 0.1


@dataclass(frozen=True)
class LoggedRequest:
    """A request that Azurite has answered."""

    method: str
    url: str

    @property
    def kind(self) -> str:
        """By which price Azure bills it, told from the line of the log alone."""
        path, _, query = self.url.partition("?")
        if self.method in ("POST", "PATCH", "MERGE") or "(" in path:
            return "table_reads" if self.method == "GET" else "table_writes"
        words = set(query.split("&"))
        if "comp=list" in words or (self.method == "PUT" and "restype=container" in words):
            return "blob_lists"
        kinds = {"PUT": "blob_writes", "DELETE": "blob_deletes", "HEAD": "blob_other"}
        plain = "blob_other" if "restype=container" in words else "blob_reads"
        return kinds.get(self.method, plain)


class LoggedStorage(Storage):
    """An Azurite that is not silent."""

    def __init__(self, folder: Path) -> None:
        super().__init__(folder)
        self.process.words = [word for word in self.process.words if word != "--silent"]
        self._read = 0

    def new_requests(self) -> list[LoggedRequest]:
        """The requests since the last time."""
        self._wait_until_quiet()
        text = self.process.log.read_text(encoding="utf-8")
        found = [LoggedRequest(m["method"], m["url"]) for m in REQUEST.finditer(text)]
        new, self._read = found[self._read :], len(found)
        return new

    def _wait_until_quiet(self) -> None:
        before, now = -1, self._size
        while before != now:
            time.sleep(QUIET_SECONDS)
            before, now = now, self._size

    @property
    def _size(self) -> int:
        return self.process.log.stat().st_size


def count_kinds(requests: list[LoggedRequest]) -> dict[str, int]:
    """How many requests of each kind there were."""
    return dict(Counter(request.kind for request in requests))


@contextmanager
def logged_storage(folder: Path) -> Iterator[LoggedStorage]:
    """Run such an Azurite."""
    storage = LoggedStorage(folder)
    storage.process.start()
    try:
        yield storage
    finally:
        storage.process.stop()
