"""What a workload returns for an item, as JSON that every reader of the results can parse.

Source: RFC 8259 (https://www.rfc-editor.org/rfc/rfc8259): it has neither NaN nor infinity, and its
text is Unicode.
"""

import math
from typing import Any

from pydantic_core import from_json, to_json, to_jsonable_python

from fanout.errors import FanoutError
from fanout.printable import describe_error

# Documents that hold an outcome nest it: an answer of the API, a dead letter, an event. Parsers
# stop at about 200 levels.
MAX_DEPTH = 150
_SPARE = 200 - MAX_DEPTH
# Python itself writes and reads no longer integer (`sys.set_int_max_str_digits`).
MAX_DIGITS = 4300
_TOO_LARGE = 10**MAX_DIGITS
# Shorter JSON has neither so many levels nor so many digits.
_MAX_PLAIN_BYTES = 2 * MAX_DEPTH
_N, _I = b"NI"


class OutputError(FanoutError):
    """What a workload returned is no JSON."""


def dump_line(fields: dict[str, Any]) -> bytes:
    """Write an object that has an `output`, line feed included.

    Raises:
        OutputError: The output is no JSON; it says where.
    """
    try:
        line = to_json(fields) + b"\n"
        # Millions of lines are short and have neither NaN nor Infinity: to look for one byte takes
        # a quarter of the time that a word takes.
        if _N in line or _I in line or len(line) > _MAX_PLAIN_BYTES:
            _insist_on_json(line)
    except BaseException as error:  # iterating over an output runs user code
        fault = _find_fault(fields["output"], error)
        raise OutputError(f"the output is no JSON: {fault}") from error
    return line


def make_plain(output: Any) -> Any:
    """Give an output as its JSON would be read again.

    Raises:
        OutputError: It is no JSON; it says where.
    """
    return from_json(dump_line({"output": output}))["output"]


def _insist_on_json(line: bytes) -> None:
    """Raise where a parser would: it is read as it will be, within other documents."""
    has_word = (_N in line and b"NaN" in line) or (_I in line and b"Infinity" in line)
    if has_word or len(line) > MAX_DIGITS or line.count(b"[") + line.count(b"{") > MAX_DEPTH:
        from_json(b"[" * _SPARE + line + b"]" * _SPARE, allow_inf_nan=False)


def _find_fault(output: Any, error: BaseException) -> str:
    """Name the first value that is no JSON, or else what was raised."""
    try:
        return _fault_in(to_jsonable_python(output), "output", 0) or describe_error(error)
    except BaseException:  # noqa: BLE001  as above; the first error says more
        return describe_error(error)


def _fault_in(value: Any, path: str, depth: int) -> str | None:
    if depth > MAX_DEPTH:
        return f"it is nested deeper than {MAX_DEPTH} levels"
    if isinstance(value, dict):
        members = [(f"{path}.{name}", member) for name, member in value.items()]
    elif isinstance(value, list):
        members = [(f"{path}.{index}", member) for index, member in enumerate(value)]
    else:
        return _fault_of(value, path)
    faults = (_fault_in(member, place, depth + 1) for place, member in members)
    return next((fault for fault in faults if fault is not None), None)


def _fault_of(value: Any, path: str) -> str | None:
    if isinstance(value, float) and not math.isfinite(value):
        return f"{path} is {value}"
    if isinstance(value, int) and abs(value) >= _TOO_LARGE:
        return f"{path} has more than {MAX_DIGITS} digits"
    if isinstance(value, str) and any("\ud800" <= character <= "\udfff" for character in value):
        return f"{path} has a lone surrogate, which UTF-8 cannot hold"
    return None
