"""What an app asks of its storage, counted from outside: by the log of requests of an Azurite."""

import re
import tempfile
from collections import Counter
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

from localhost.stack.azurite import ACCOUNT
from rig.storage import Storage

_LINE = re.compile(rb'"(\w+) /%b/?(\S*) HTTP/1\.1" (\d+)' % ACCOUNT.encode())
_IDS = re.compile(r"'[^']*'|\?.*")


class StorageRequest(NamedTuple):
    """A request that storage has answered.

    Attributes:
        method: Its HTTP method.
        path: What is asked for, below the account, with its query.
        status: What was answered.
    """

    method: str
    path: str
    status: int

    @property
    def sort(self) -> str:
        """The method, the container or table, and the answer, without what differs by run."""
        folder = _IDS.sub("", self.path).partition("/")[0]
        return f"{self.method} {folder.partition('(')[0]} {self.status}"


@dataclass(frozen=True)
class LoggedStorage:
    """An Azurite that writes down each request."""

    storage: Storage
    log: Path

    def environment(self, names: Mapping[str, str]) -> dict[str, str]:
        """Settings that name it where an app's own settings name a storage account."""
        return {name: self.storage.connection for name in names if "STORAGE" in name.upper()}

    def mark(self) -> int:
        """Where the log ends now."""
        return self.log.stat().st_size

    def requests_since(self, mark: int) -> list[StorageRequest]:
        """Everything that has been answered after a mark."""
        with self.log.open("rb") as log:
            log.seek(mark)
            return [
                StorageRequest(method.decode(), path.decode(), int(status))
                for method, path, status in _LINE.findall(log.read())
            ]


def count_sorts(requests: list[StorageRequest]) -> Counter[str]:
    """How many requests of each sort there are."""
    return Counter(request.sort for request in requests)


@contextmanager
def start_storage() -> Iterator[LoggedStorage]:
    """Start an Azurite of its own; stop it at the end."""
    with tempfile.TemporaryDirectory() as folder:
        storage = Storage(Path(folder), logs_requests=True)
        storage.process.start()
        try:
            yield LoggedStorage(storage, storage.process.log)
        finally:
            storage.process.stop()
