"""JSON as the extension reads it (Newtonsoft.Json): more than JSON, with that library's words.

It takes single quotes, names without quotes and a comma too many, and turns NaN and Infinity into
texts. It takes comments, too, though an input that is a comment breaks lists of instances; here
comments are refused.
"""

import json
import math
import re
from collections.abc import Callable
from typing import Any

_SPACE = re.compile(r"\s*")
_NAME = re.compile(r"[\w$]+")
_NUMBER = re.compile(r"-?\d[\d.eE+-]*")
_STRING = re.compile(r"'((?:[^'\\]|\\.)*)'|\"((?:[^\"\\]|\\.)*)\"", re.DOTALL)
_WORDS: dict[str, Any] = {
    "true": True,
    "false": False,
    "null": None,
    "undefined": None,
    "NaN": "NaN",
    "Infinity": "Infinity",
    "-Infinity": "-Infinity",
}
_LITERALS = {"t": "boolean", "f": "boolean", "n": "null"}


class LenientJsonError(ValueError):
    """Text that the extension cannot read, either; the message is the one it would give."""


def loads(text: str) -> Any:
    """Parse JSON; NaN and Infinity become texts.

    Raises:
        LenientJsonError: It cannot be read.
    """
    text = text.removeprefix("\ufeff")
    try:
        return json.loads(text, parse_constant=str, parse_float=read_float)
    except json.JSONDecodeError:
        pass
    except ValueError as error:  # an integer of more digits than Python reads
        raise LenientJsonError(str(error)) from error
    except RecursionError as error:
        raise LenientJsonError("The JSON is nested too deeply.") from error
    try:
        return _Reader(text).document()
    except RecursionError as error:
        raise LenientJsonError("The JSON is nested too deeply.") from error


def read_float(text: str) -> float | str:
    """Read a number; what is beyond a double is infinite for .NET, which writes that as a text."""
    value = float(text)
    return value if math.isfinite(value) else "-Infinity" if value < 0 else "Infinity"


class _Reader:
    def __init__(self, text: str) -> None:
        self._text = text
        self._at = 0
        self._compound: dict[str, Callable[[], Any]] = {
            "{": self._object,
            "[": self._array,
            "'": self._string,
            '"': self._string,
        }

    def document(self) -> Any:
        value = self._value()
        if self._peek():
            raise self._error(
                f"Additional text encountered after finished reading JSON content: {self._peek()}"
            )
        return value

    def _peek(self) -> str:
        match = _SPACE.match(self._text, self._at)
        self._at = match.end() if match else self._at
        return self._text[self._at : self._at + 1]

    def _error(self, problem: str, past: int = 0) -> LenientJsonError:
        before = self._text[: self._at + past]
        line = before.count("\n") + 1 if self._text else 0
        position = len(before) - (before.rfind("\n") + 1)
        return LenientJsonError(f"{problem}. Path '', line {line}, position {position}.")

    def _value(self) -> Any:
        start = self._peek()
        if start in self._compound:
            return self._compound[start]()
        for word, value in _WORDS.items():
            if self._text.startswith(word, self._at):
                self._at += len(word)
                return value
        number = _NUMBER.match(self._text, self._at)
        if number:
            self._at = number.end()
            return self._number(number[0])
        raise self._no_value(start)

    def _no_value(self, start: str) -> LenientJsonError:
        if start in _LITERALS:
            return self._error(f"Error parsing {_LITERALS[start]} value", past=1)
        if not start:
            return self._error("Error reading JToken from JsonReader")
        return self._error(f"Unexpected character encountered while parsing value: {start}")

    def _number(self, text: str) -> Any:
        try:
            return json.loads(text, parse_float=read_float)
        except ValueError:
            raise self._error(f"Input string '{text}' is not a valid number") from None

    def _string(self) -> str:
        match = _STRING.match(self._text, self._at)
        if not match:
            quote = self._text[self._at]
            self._at = len(self._text)
            raise self._error(f"Unterminated string. Expected delimiter: {quote}")
        self._at = match.end()
        plain = match[2]
        if plain is None:
            plain = match[1].replace("\\'", "'").replace('"', '\\"')
        try:
            return str(json.loads(f'"{plain}"', strict=False))
        except json.JSONDecodeError:
            raise self._error("Bad JSON escape sequence") from None

    def _array(self) -> list[Any]:
        self._at += 1
        items: list[Any] = []
        while self._peek() != "]":
            items.append(self._value())
            self._comma("]", "Unexpected end when reading JSON")
        self._at += 1
        return items

    def _object(self) -> dict[str, Any]:
        self._at += 1
        members: dict[str, Any] = {}
        while self._peek() != "}":
            name = self._name()
            if self._peek() != ":":
                raise self._error("Unexpected end while parsing unquoted property name")
            self._at += 1
            members[name] = self._value()
            self._comma("}", "Unexpected end when reading JSON")
        self._at += 1
        return members

    def _name(self) -> str:
        if self._peek() in ("'", '"'):
            return self._string()
        name = _NAME.match(self._text, self._at)
        if not name:
            raise self._error(f"Invalid property identifier character: {self._peek()}")
        self._at = name.end()
        return name[0]

    def _comma(self, end: str, problem: str) -> None:
        after = self._peek()
        if after == ",":
            self._at += 1
        elif not after:
            raise self._error(problem)
        elif after != end:
            raise self._error(
                f"After parsing a value an unexpected character was encountered: {after}"
            )
