"""JSON on its way to the app, which alone judges it: whatever can be sent is sent."""

import json
from typing import Any

MAX_INTEGER_DIGITS = 4_300


def read_document(data: bytes) -> Any:
    """Read JSON, in any encoding of Unicode, with or without a byte order mark.

    NaN, infinity and surrogates alone are kept, for the app names the field that has them.

    Raises:
        ValueError: It is no JSON, nested too deep, or has an integer of too many digits.
    """
    try:
        return json.loads(data, parse_int=_int)
    except RecursionError as error:
        raise ValueError("its objects and lists are nested too deep") from error


def read_value(text: str) -> Any:
    """Read a value of the command line as JSON, or else as text.

    Raises:
        ValueError: It is an integer of too many digits.
    """
    try:
        return json.loads(text, parse_constant=_refuse_constant, parse_int=_int)
    except (json.JSONDecodeError, RecursionError):
        return text


def write_document(value: Any) -> bytes:
    """Write JSON as a body; surrogates alone are escapes."""
    try:
        return json.dumps(value, ensure_ascii=False).encode()
    except UnicodeEncodeError:
        return json.dumps(value).encode()


def _int(text: str) -> int:
    digits = len(text.removeprefix("-"))
    if digits > MAX_INTEGER_DIGITS:
        limit = f"{MAX_INTEGER_DIGITS:,}"
        raise ValueError(f"it has a number of {digits:,} digits; {limit} are the most")
    return int(text)


def _refuse_constant(name: str) -> Any:
    raise json.JSONDecodeError(f"JSON has no {name}", name, 0)
