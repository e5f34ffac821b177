"""Sends generated calls over connections that stay open, and watches what the host takes."""

import http.client
import time
from collections.abc import Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from queue import SimpleQueue

from rig.web import Host
from tests.support.harms.killings import children
from tests.support.hostile.generated.calls import Call
from tests.support.hostile.processes import MIB, read_memory
from tests.support.hosts.host_process import HostProcess

# Longer than any answer may take, so that what takes too long is told as such.
_WAIT_SECONDS = 90
_AT_ONCE = 6
# So many are made and held, where there are far more.
_CALLS_AHEAD = 600
_WORKER = b"localhost.worker.process"


@dataclass(frozen=True)
class Reply:
    """What came of a call.

    Attributes:
        status: Of the answer; 0 where there was none.
        text: How its body begins, or why there was none.
    """

    call: Call
    status: int
    seconds: float
    text: str
    retry_after: str | None = None

    @property
    def is_sound(self) -> bool:
        """Whether it is an answer that a caller can do something with."""
        return 200 <= self.status < 500 or (self.status == 503 and self.retry_after is not None)


class _Line:
    """A connection that stays open, and is made anew where the other side has closed it."""

    def __init__(self, host: Host) -> None:
        self._connection = http.client.HTTPConnection(host.name, host.port, timeout=_WAIT_SECONDS)

    def send(self, call: Call) -> Reply:
        began_at = time.monotonic()
        try:
            response, body = self._ask(call)
        except (OSError, http.client.HTTPException) as error:
            self._connection.close()
            return Reply(call, 0, time.monotonic() - began_at, f"{type(error).__name__}: {error}")
        seconds = time.monotonic() - began_at
        retry_after = response.getheader("Retry-After")
        return Reply(call, response.status, seconds, body[:500].decode("latin-1"), retry_after)

    def close(self) -> None:
        self._connection.close()

    def _ask(self, call: Call) -> tuple[http.client.HTTPResponse, bytes]:
        is_open = self._connection.sock is not None
        try:
            return self._ask_once(call)
        except (http.client.RemoteDisconnected, ConnectionResetError, BrokenPipeError):
            self._connection.close()
            if not is_open:
                raise
            return self._ask_once(call)

    def _ask_once(self, call: Call) -> tuple[http.client.HTTPResponse, bytes]:
        headers = {name: text.encode("latin-1") for name, text in call.headers.items()}
        self._connection.request(call.method, call.path, call.body, headers)
        response = self._connection.getresponse()
        return response, response.read()


def send_all(host: Host, calls: Iterable[Call]) -> Iterator[Reply]:
    """Send calls, some at a time, each over a connection that others had before it."""
    lines = [_Line(host) for _ in range(_AT_ONCE)]
    free: SimpleQueue[_Line] = SimpleQueue()

    def send(call: Call) -> Reply:
        line = free.get()
        try:
            return line.send(call)
        finally:
            free.put(line)

    try:
        for line in lines:
            free.put(line)
        with ThreadPoolExecutor(_AT_ONCE) as pool:
            rest = iter(calls)
            while some := [*islice(rest, _CALLS_AHEAD)]:
                yield from pool.map(send, some)
    finally:
        for line in lines:
            line.close()


def peak_mib(host: HostProcess) -> dict[int, int]:
    """The most memory that the embedded host and each of its workers had, by process."""
    pids = [host.process.pid, *filter(_is_worker, children(host.process.pid))]
    return {pid: read_memory("VmHWM", pid) // MIB for pid in pids}


def _is_worker(pid: int) -> bool:
    """Tell workers from children that come and go."""
    try:
        words = Path(f"/proc/{pid}/cmdline").read_bytes().split(b"\0")
    except (FileNotFoundError, ProcessLookupError):
        return False
    return _WORKER in words
