"""What host and worker say to each other: frames, each a length and a pickled batch.

Batches are lists of plain tuples, which pickle several times faster than objects. Both ends are the
same code, on a socket that no one else can reach. The worker's Python may be another (`--python`):
of the standard library nothing travels that pickles under another name there.
"""

import pickle
import struct
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, BinaryIO

from localhost.execution.contract import FunctionInfo, Invocation, InvocationResult, Retry
from localhost.log_levels import LogLevels

# Known to every Python that a worker runs on.
PROTOCOL = 5
HEADER = struct.Struct("!I")
InvocationTuple = tuple[str, str, Any, dict[str, Any], dict[str, Any], str | None, Retry | None]
ResultTuple = tuple[str, Any, str | None, str | None, dict[str, Any], bool]
STOP: list[InvocationTuple] = []


@dataclass(frozen=True, slots=True)
class WorkerConfig:
    """What a worker is told first; `environment` is all of its environment."""

    # No Path: Python 3.13 pickles one under a name that older ones do not know.
    app_dir: str
    environment: dict[str, str]
    log_levels: LogLevels


@dataclass(frozen=True, slots=True)
class LoadReport:
    """What a worker answers: the app's functions, or why it cannot be loaded."""

    functions: Sequence[FunctionInfo]
    error: str | None = None


def frame(message: Any) -> bytes:
    """A message as the bytes to send."""
    body = pickle.dumps(message, PROTOCOL)
    return HEADER.pack(len(body)) + body


def unframe(body: bytes) -> Any:
    """What a frame says, without its header."""
    return pickle.loads(body)  # noqa: S301 - from the process that started this one, or its child


def read_frame(stream: BinaryIO) -> Any:
    """The next message of a blocking stream.

    Raises:
        EOFError: The other end is gone.
    """
    header = stream.read(HEADER.size)
    if len(header) < HEADER.size:
        raise EOFError
    (length,) = HEADER.unpack(header)
    body = stream.read(length)
    if len(body) < length:
        raise EOFError
    return unframe(body)


class FrameBuffer:
    """Cuts what arrives into messages."""

    def __init__(self) -> None:
        self._buffer = bytearray()

    def feed(self, data: bytes) -> Iterator[Any]:
        """Take some bytes and yield each message that is now whole."""
        self._buffer += data
        start = 0
        try:
            while len(self._buffer) - start >= HEADER.size:
                (length,) = HEADER.unpack_from(self._buffer, start)
                end = start + HEADER.size + length
                if end > len(self._buffer):
                    return
                with memoryview(self._buffer) as view:
                    message = pickle.loads(view[start + HEADER.size : end])  # noqa: S301 - as above
                start = end
                yield message
        finally:
            if start:
                del self._buffer[:start]


def pack_invocations(invocations: Iterable[Invocation]) -> list[InvocationTuple]:
    """Invocations as they travel."""
    return [
        (i.id, i.function, i.payload, i.inputs, i.metadata, i.trace_parent, i.retry)
        for i in invocations
    ]


def unpack_invocations(rows: Iterable[InvocationTuple]) -> list[Invocation]:
    """The inverse of `pack_invocations`."""
    return [Invocation(*row) for row in rows]


def pack_results(results: Iterable[InvocationResult]) -> list[ResultTuple]:
    """Results as they travel."""
    return [(r.id, r.value, r.error, r.stack, r.outputs, r.is_no_exception) for r in results]


def unpack_results(rows: Iterable[ResultTuple]) -> list[InvocationResult]:
    """The inverse of `pack_results`."""
    return [InvocationResult(*row) for row in rows]
