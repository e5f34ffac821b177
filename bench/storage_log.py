"""Storage operations counted from outside: Azurite writes down each request that it answers.

The host is started with `--no-stack` and `settings(app)` as its environment, so that it uses this
Azurite and no other.
"""

import contextlib
import json
import re
import tempfile
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

from localhost.stack.azurite import DEVELOPMENT
from rig.storage import Storage

LOG = "azurite.log"
QUIET_SECONDS = 0.5
POLL_SECONDS = 0.02
_LINE = re.compile(rb'"([A-Z]+) (\S+) HTTP/1\.[01]" (\d{3})')
_TABLE = re.compile(r"Tables\b|\$batch$|\w+\(")
_QUEUE = re.compile(r"[^/]+/messages(/|$)")


@dataclass(frozen=True)
class Operation:
    """A request that the storage account answered.

    Attributes:
        path: What it asked for, without the account.
        query: The parameters of its address.
        status: The HTTP status of the answer.
    """

    method: str
    path: str
    query: str
    status: int

    @property
    def kind(self) -> str:
        """The service, and for blobs what the price list tells apart.

        https://azure.microsoft.com/pricing/details/storage/blobs/: write and list operations have
        prices of their own, deletions have none, all others cost what a read does.
        """
        service = self._service
        return f"blob {self._blob_class}" if service == "blob" else service

    @property
    def sort(self) -> str:
        """The method, the container or table, and the answer, without what differs by run."""
        folder = self.path.partition("/")[0].partition("(")[0]
        return f"{self.method} {folder} {self.status}"

    @property
    def _service(self) -> str:
        parameters = parse_qs(self.query)
        if "restype" in parameters or self.path == "":
            return "blob"
        if _TABLE.match(self.path) or (self.method == "POST" and "/" not in self.path):
            return "table"
        is_queue = _QUEUE.match(self.path) or "/" not in self.path
        return "queue" if is_queue else "blob"

    @property
    def _blob_class(self) -> str:
        parameters = parse_qs(self.query)
        action = parameters.get("comp", [""])[0]
        if action == "list" or (self.method == "PUT" and "restype" in parameters):
            return "list"
        if action == "lease":
            return "read"
        return {"PUT": "write", "POST": "write", "DELETE": "delete"}.get(self.method, "read")


class LoggedStorage:
    """An Azurite that writes its requests down.

    Args:
        folder: Where its data and its log are.
    """

    def __init__(self, folder: Path) -> None:
        self._storage = Storage(folder, is_silent=False)
        self._log = folder / LOG

    @property
    def connection(self) -> str:
        """The connection string."""
        return self._storage.connection

    @property
    def pid(self) -> int:
        """The process id, for its processor time."""
        process = self._storage.process.process
        if process is None:
            raise AssertionError("Azurite is not running")
        return process.pid

    def start(self) -> None:
        """Start it and wait until it is up."""
        self._storage.process.start()

    def stop(self) -> None:
        """Stop it."""
        self._storage.process.stop()

    def settings(self, app: Path) -> dict[str, str]:
        """The settings of an app that name development storage, with this account instead."""
        values = json.loads((app / "local.settings.json").read_text())["Values"]
        return {name: self.connection for name, value in values.items() if value == DEVELOPMENT}

    def position(self) -> int:
        """Where the log ends now: what comes later is what `operations` reads from there."""
        return self._log.stat().st_size

    def operations(self, start: int, end: int | None = None) -> list[Operation]:
        """Read the requests between two positions of the log, or from one on."""
        with self._log.open("rb") as log:
            log.seek(start)
            text = log.read() if end is None else log.read(end - start)
        return [_parse(*match.groups()) for match in _LINE.finditer(text)]

    def wait_until_quiet(self, seconds: float = QUIET_SECONDS) -> None:
        """Wait until nobody has asked for anything for so long."""
        position, since = self.position(), time.monotonic()
        while time.monotonic() - since < seconds:
            time.sleep(POLL_SECONDS)
            if self.position() != position:
                position, since = self.position(), time.monotonic()


def count_by_kind(operations: Sequence[Operation]) -> dict[str, int]:
    """Count operations by kind, most first."""
    return dict(Counter(operation.kind for operation in operations).most_common())


def count_sorts(operations: Sequence[Operation]) -> Counter[str]:
    """Count operations by method, container or table, and answer."""
    return Counter(operation.sort for operation in operations)


@contextlib.contextmanager
def run_storage() -> Iterator[LoggedStorage]:
    """Run an Azurite with its log in a temporary folder."""
    with tempfile.TemporaryDirectory() as folder:
        storage = LoggedStorage(Path(folder))
        storage.start()
        try:
            yield storage
        finally:
            storage.stop()


def _parse(method: bytes, target: bytes, status: bytes) -> Operation:
    address = urlsplit(target.decode())
    path = address.path.lstrip("/").partition("/")[2]
    return Operation(method.decode(), path, address.query, int(status))
