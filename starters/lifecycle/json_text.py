"""JSON as others send it: in UTF-8, with or without a byte order mark.

What any other reader of JSON could not read again is refused with its place: numbers that JSON has
not, numbers and texts that have no value in it. So nothing that is kept of a request, or answered
to one, has to be read with care.
"""

import codecs
import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import islice
from math import isinf
from typing import Any

from pydantic_core import from_json

from fanout.errors import FieldProblem, InvalidRequestError
from fanout.printable import make_printable

# CPython's own limit, and that of the parser.
MAX_INTEGER_DIGITS = 4_300
MAX_PROBLEMS = 100
_ROOT = "body"
_SHOWN_CHARACTERS = 60
_SURROGATE = re.compile("[\ud800-\udfff]")
_ENCODINGS = {
    codecs.BOM_UTF32_LE: "UTF-32",  # before UTF-16, whose mark it begins with
    codecs.BOM_UTF32_BE: "UTF-32",
    codecs.BOM_UTF16_LE: "UTF-16",
    codecs.BOM_UTF16_BE: "UTF-16",
}


def read_json(data: bytes) -> Any:
    """Read a JSON document (RFC 8259).

    Raises:
        InvalidRequestError: It is none, or holds what is no JSON for every reader (NaN, a number
            beyond those of IEEE 754, an integer of too many digits, half a pair of UTF-16); the
            fields are named.
    """
    text = data.removeprefix(codecs.BOM_UTF8)
    try:
        document = from_json(text, allow_inf_nan=False)
    except ValueError as error:
        raise InvalidRequestError(_find_faults(text, error)) from error
    # The parser makes infinity of a number beyond the largest.
    if _has_infinity(document) and (problems := _find_unreadable(text)):
        raise InvalidRequestError(problems)
    return document


def _has_infinity(document: Any) -> bool:
    waiting: list[Any] = [[document]]
    while waiting:
        parent = waiting.pop()
        for value in parent.values() if type(parent) is dict else parent:
            kind = type(value)
            if kind is float and isinf(value):
                return True
            if kind is dict or kind is list:
                waiting.append(value)
    return False


def _find_faults(text: bytes, error: ValueError) -> list[FieldProblem]:
    encoding = _encoding(text)
    if encoding is not None:
        message = f"it is {encoding}; JSON is sent as UTF-8 (RFC 8259, section 8.1)"
        return [FieldProblem(_ROOT, message)]
    return _find_unreadable(text) or [FieldProblem(_ROOT, f"it is no JSON: {error}")]


def _encoding(text: bytes) -> str | None:
    """The encoding of a text that is not UTF-8: by its mark, or by the zeros of its beginning."""
    marked = (name for mark, name in _ENCODINGS.items() if text.startswith(mark))
    zeros = text[:4].count(0)
    unmarked = {0: None, 1: "UTF-16", 2: "UTF-16", 3: "UTF-32"}.get(zeros)
    return next(marked, unmarked)


def _find_unreadable(text: bytes) -> list[FieldProblem]:
    """Name what a reader of JSON could not read, if the text is JSON otherwise."""
    try:
        document = json.loads(
            # Bytes that are no UTF-8 become surrogates.
            text.decode("utf-8", "surrogateescape"),
            parse_constant=lambda name: _Unreadable(f"JSON has no {name}"),
            parse_float=_float,
            parse_int=_int,
        )
    except (ValueError, RecursionError):
        return []
    return list(islice(_problems(document), MAX_PROBLEMS))


# The place that holds a value, and the name or number of the value there; None is the document.
_Place = tuple[Any, str | int] | None


@dataclass(frozen=True)
class _Unreadable:
    """What stands in a document in place of a value that has none."""

    fault: str


def _float(text: str) -> float | _Unreadable:
    number = float(text)
    if isinf(number):
        return _Unreadable(f"{_shorten(text)} is beyond the largest number, 1.8e308")
    return number


def _int(text: str) -> int | _Unreadable:
    digits = len(text.removeprefix("-"))
    if digits > MAX_INTEGER_DIGITS:
        limit = f"{MAX_INTEGER_DIGITS:,}"
        return _Unreadable(f"it is a number of {digits:,} digits; {limit} are the most")
    return int(text)


def _problems(document: Any) -> Iterator[FieldProblem]:
    waiting: list[tuple[_Place, Any]] = [(None, document)]
    while waiting:
        place, value = waiting.pop()
        if isinstance(value, dict):
            for name in value:
                yield from _text_problems(place, name, "the name")
            waiting += reversed([((place, name), child) for name, child in value.items()])
        elif isinstance(value, list):
            waiting += reversed([((place, n), child) for n, child in enumerate(value)])
        elif isinstance(value, str):
            yield from _text_problems(place, value, "the text")
        elif isinstance(value, _Unreadable):
            yield FieldProblem(_path(place), value.fault)


def _text_problems(place: _Place, text: str, what: str) -> Iterator[FieldProblem]:
    found = _SURROGATE.search(text)
    if found is not None:
        shown = make_printable(_shorten(text[max(0, found.start() - _SHOWN_CHARACTERS // 2) :]))
        fault = f"{what} '{shown}' has a surrogate alone, which UTF-8 cannot hold"
        yield FieldProblem(_path(place), fault)


def _path(place: _Place) -> str:
    """A place as callers write it; names and depths that nobody writes are cut."""
    parts: list[str] = []
    while place is not None and len(parts) < _SHOWN_CHARACTERS:
        place, part = place
        parts.append(f"[{part}]" if isinstance(part, int) else f".{_shorten(part)}")
    return make_printable("".join(reversed(parts)).removeprefix(".")) or _ROOT


def _shorten(text: str) -> str:
    return text if len(text) <= _SHOWN_CHARACTERS else f"{text[:_SHOWN_CHARACTERS]}..."
