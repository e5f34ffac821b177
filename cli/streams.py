"""Standard streams that bear what a shell does to them.

Whoever reads the output may stop (`fanout list | head`): then the process ends quietly, as one that
SIGPIPE has ended. What the encoding of a terminal lacks is written as an escape.
"""

import io
import json
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, BinaryIO, TextIO

from cli.errors import CommandError
from cli.outcomes import FAILED
from cli.printable import make_json_visible

# 128 and the number of SIGPIPE, as shells tell it.
CLOSED_PIPE = 141


class GuardedStream(io.TextIOWrapper):
    """A stream for output; where nobody takes it any more, writing raises `SystemExit`."""

    def write(self, text: str, /) -> int:
        """Write text."""
        with self._guard():
            return super().write(text)

    def flush(self) -> None:
        """Write what is held back."""
        with self._guard():
            super().flush()

    @contextmanager
    def _guard(self) -> Iterator[None]:
        try:
            yield
        except OSError as error:
            # What is held back must go somewhere, for the interpreter flushes once more at its end.
            with Path(os.devnull).open("wb") as nowhere:
                os.dup2(nowhere.fileno(), self.fileno())
            if isinstance(error, BrokenPipeError):
                raise SystemExit(CLOSED_PIPE) from error
            if self is not sys.stderr:
                sys.stderr.write(f"The output cannot be written: {error.strerror}.\n")
            raise SystemExit(FAILED) from error


def guard_streams() -> None:
    """Put guarded streams in place of standard output and standard error."""
    sys.stdout, sys.stderr = _guarded(sys.stdout), _guarded(sys.stderr)


def _guarded(stream: Any) -> TextIO:
    if stream is None:  # the shell has closed it (`>&-`)
        return Path(os.devnull).open("w", encoding="utf-8")
    options = {
        "encoding": stream.encoding,
        "line_buffering": stream.line_buffering,
        "write_through": stream.write_through,
    }
    return GuardedStream(stream.detach(), errors="backslashreplace", **options)


def standard_input() -> BinaryIO:
    """Standard input as bytes: what they mean is not a matter of the locale.

    Raises:
        CommandError: The shell has closed it.
    """
    if sys.stdin is None:
        raise CommandError("There is no standard input; the shell has closed it.")
    return sys.stdin.buffer


def print_json(value: Any, stream: TextIO | None = None) -> None:
    """Print a document for programs, on one line; it is JSON in any encoding."""
    stream = stream or sys.stdout
    text = json.dumps(value, ensure_ascii=False)
    try:
        text.encode(stream.encoding or "utf-8")
    except UnicodeEncodeError:
        text = json.dumps(value)
    stream.write(f"{make_json_visible(text)}\n")
    stream.flush()
