"""Go to an array in a JSON document by its pointer (RFC 6901), a chunk at a time."""

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import chain

from pydantic_core import from_json

from fanout.errors import FanoutError

MAX_KEY_BYTES = 1_048_576
_BYTE_ORDER_MARK = b"\xef\xbb\xbf"
_WHITE = re.compile(rb"[ \t\r\n]*+")
_KEY = re.compile(rb'"((?:[^"\\]++|\\.)*+)"', re.DOTALL)
_IN_STRING = re.compile(rb'(?:[^"\\]++|\\.)*+', re.DOTALL)
_OUTSIDE_STRINGS = re.compile(rb'[^"\[\]{}]*+')
_INDEX = re.compile(r"0|[1-9][0-9]*")  # RFC 6901, section 4: no leading zeros
_SCALAR = re.compile(rb"[^,\]}]*+")


class JsonSourceError(FanoutError):
    """A blob of JSON has no such array, or one that does not end."""


@dataclass(frozen=True)
class ArrayStart:
    """An array in a document: the first byte after its bracket, and what follows from there on."""

    offset: int
    line: int
    rest: Iterator[bytes]


def find_array(chunks: Iterable[bytes], pointer: str) -> ArrayStart:
    """Read a document up to the first byte within an array.

    Raises:
        JsonSourceError: There is no array, or the document is malformed before it.
    """
    reader = _Reader(chunks)
    reader.skip(_BYTE_ORDER_MARK)
    path = ""
    for segment in pointer.split("/")[1:]:
        name = segment.replace("~1", "/").replace("~0", "~")
        opening = reader.peek()
        if opening == b"{":
            _enter_object(reader, name, path)
        elif opening == b"[" and _INDEX.fullmatch(name):
            _enter_array(reader, int(name), path)
        else:
            raise reader.fault(f"{_place(path)} has no '{name}'")
        path += f"/{segment}"
    if reader.peek() != b"[":
        raise reader.fault(f"{_place(path)} is no array")
    reader.take(1)
    return ArrayStart(reader.offset, reader.line, reader.rest())


def _place(path: str) -> str:
    return f"the value at '{path}'" if path else "the document"


def _enter_object(reader: "_Reader", name: str, path: str) -> None:
    reader.take(1)
    separator = reader.peek()
    while separator != b"}":
        key = reader.key()
        if reader.peek() != b":":
            raise reader.fault("a ':' is missing")
        reader.take(1)
        reader.peek()
        if key == name:
            return
        reader.skip_value()
        separator = reader.peek()
        if separator not in (b",", b"}"):
            raise reader.fault("a ',' or '}' is missing")
        if separator == b",":
            reader.take(1)
            reader.peek()
    raise reader.fault(f"{_place(path)} has no '{name}'")


def _enter_array(reader: "_Reader", index: int, path: str) -> None:
    reader.take(1)
    for _ in range(index):
        if reader.peek() == b"]":
            break
        reader.skip_value()
        separator = reader.peek()
        if separator not in (b",", b"]"):
            raise reader.fault("a ',' or ']' is missing")
        if separator == b",":
            reader.take(1)
    if reader.peek() == b"]":
        raise reader.fault(f"{_place(path)} has no '{index}'")


class _Reader:
    """The bytes of a document with the place where it is read.

    Attributes:
        offset: Offset of the next byte in the blob.
        line: Line on which it lies, 1-based.
    """

    def __init__(self, chunks: Iterable[bytes]) -> None:
        self.offset = 0
        self.line = 1
        self._chunks = iter(chunks)
        self._held = b""
        self._position = 0

    def rest(self) -> Iterator[bytes]:
        """Give what has not been taken."""
        return chain([self._held[self._position :]], self._chunks)

    def fault(self, message: str) -> JsonSourceError:
        """Say where the document is at fault."""
        return JsonSourceError(f"{message} (at byte {self.offset}, line {self.line})")

    def peek(self) -> bytes:
        """Skip white space and look at the byte after it."""
        while True:
            self._take_match(_WHITE)
            if self._position < len(self._held):
                return self._held[self._position : self._position + 1]
            if not self._more():
                raise self.fault("the document ends too early")

    def take(self, count: int) -> None:
        """Pass bytes that are held."""
        end = self._position + count
        self.line += self._held.count(b"\n", self._position, end)
        self.offset += count
        self._position = end

    def skip(self, mark: bytes) -> None:
        """Pass these bytes if they come next."""
        while len(self._held) - self._position < len(mark) and self._more():
            pass
        if self._held.startswith(mark, self._position):
            self.take(len(mark))

    def key(self) -> str:
        """Pass the key of a member."""
        while True:
            match = _KEY.match(self._held, self._position)
            if match is not None:
                break
            too_long = len(self._held) - self._position > MAX_KEY_BYTES
            if self.peek() != b'"' or too_long or not self._more():
                raise self.fault("the name of a member is missing")
        try:
            key = str(from_json(match.group()))
        except ValueError as error:
            raise self.fault(f"the name of a member is malformed: {error}") from error
        self.take(len(match.group()))
        return key

    def skip_value(self) -> None:
        """Pass a value, whatever it is."""
        opening = self.peek()
        if opening == b'"':
            self._skip_string()
        elif opening in (b"[", b"{"):
            self._skip_nested()
        else:
            self._skip_while(_SCALAR)

    def _skip_nested(self) -> None:
        depth = 0
        while True:
            self._skip_while(_OUTSIDE_STRINGS)
            byte = self.peek()
            if byte == b'"':
                self._skip_string()
                continue
            self.take(1)
            depth += 1 if byte in b"[{" else -1
            if depth == 0:
                return

    def _skip_string(self) -> None:
        self.take(1)
        while True:
            self._take_match(_IN_STRING)
            if self._position < len(self._held) and self._held[self._position] == 0x22:
                self.take(1)
                return
            if not self._more():
                raise self.fault("a string is not closed")

    def _skip_while(self, pattern: re.Pattern[bytes]) -> None:
        self._take_match(pattern)
        while self._position == len(self._held):
            if not self._more():
                raise self.fault("the document ends too early")
            self._take_match(pattern)

    def _take_match(self, pattern: re.Pattern[bytes]) -> None:
        match = pattern.match(self._held, self._position)
        if match is not None:
            self.take(match.end() - self._position)

    def _more(self) -> bool:
        """Hold one chunk more, and no longer what has been taken."""
        chunk = next(self._chunks, None)
        if chunk is None:
            return False
        self._held = self._held[self._position :] + chunk
        self._position = 0
        return True
