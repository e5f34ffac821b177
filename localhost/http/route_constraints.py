"""The constraints a route parameter may have: ``{id:int:min(1)}``.

Source: https://learn.microsoft.com/aspnet/core/fundamentals/routing#route-constraints
"""

import re
import uuid
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime

Constraint = Callable[[str], bool]

_WHOLE = re.compile(r"([+-]?)0*(\d{1,20})")
_CALL = re.compile(r"(?P<name>\w+)(?:\((?P<arguments>.*)\))?", re.DOTALL)
_INT_LIMIT = 2**31
_LONG_LIMIT = 2**63
_DATE_FORMATS = ("%m-%d-%Y", "%Y-%m-%d %I:%M%p", "%d %B %Y", "%B %d, %Y")


def parse_constraint(text: str) -> Constraint:
    """Read one constraint.

    Raises:
        ValueError: There is none of that name, or its arguments are wrong.
    """
    match = _CALL.fullmatch(text)
    if match is None:
        raise ValueError(f"'{text}' is no constraint")
    name, arguments = match["name"].lower(), match["arguments"]
    if arguments is None and name in _PLAIN:
        return _PLAIN[name]
    if arguments is not None and name == "regex":
        return _regex(arguments)
    if arguments is not None and name in _WITH_NUMBERS:
        counts, make = _WITH_NUMBERS[name]
        numbers = [int(part) for part in arguments.split(",")]
        if len(numbers) in counts:
            return make(numbers)
    raise ValueError(f"'{text}' is no constraint this host knows")


def _whole_number(value: str) -> int | None:
    """Read a whole number; None where it is none, or has more digits than any of 64 bits.

    Python raises for 4,300 digits, zeros in front and all.
    """
    match = _WHOLE.fullmatch(value)
    return None if match is None else int(f"{match[1]}{match[2]}")


def _is_integer(value: str, limit: int) -> bool:
    number = _whole_number(value)
    return number is not None and -limit <= number < limit


def _is_int(value: str) -> bool:
    return _is_integer(value, _INT_LIMIT)


def _is_long(value: str) -> bool:
    return _is_integer(value, _LONG_LIMIT)


def _is_real(value: str) -> bool:
    return bool(re.fullmatch(r"[+-]?(\d[\d,]*(\.\d*)?|\.\d+)([eE][+-]?\d+)?", value))


def _is_decimal(value: str) -> bool:
    return bool(re.fullmatch(r"[+-]?(\d[\d,]*(\.\d*)?|\.\d+)", value))


def _is_bool(value: str) -> bool:
    return value.lower() in ("true", "false")


def _is_guid(value: str) -> bool:
    if re.fullmatch(r"[0-9a-fA-F-]{32,36}|[({][0-9a-fA-F-]{36}[)}]", value) is None:
        return False
    try:
        uuid.UUID(value.strip("(){}"))
    except ValueError:
        return False
    return True


def _is_datetime(value: str) -> bool:
    for read in (datetime.fromisoformat, *(_strptime(pattern) for pattern in _DATE_FORMATS)):
        try:
            read(value)
        except ValueError:
            continue
        return True
    return False


def _strptime(pattern: str) -> Callable[[str], datetime]:
    return lambda value: datetime.strptime(value, pattern)  # noqa: DTZ007 - only asked if it is one


def _is_alpha(value: str) -> bool:
    return re.fullmatch(r"[a-zA-Z]*", value) is not None


def _length(numbers: Sequence[int]) -> Constraint:
    low, high = numbers[0], numbers[-1]
    return lambda value: low <= len(value) <= high


def _min_length(numbers: Sequence[int]) -> Constraint:
    return lambda value: len(value) >= numbers[0]


def _max_length(numbers: Sequence[int]) -> Constraint:
    return lambda value: len(value) <= numbers[0]


def _min(numbers: Sequence[int]) -> Constraint:
    return _range([numbers[0], _LONG_LIMIT - 1])


def _max(numbers: Sequence[int]) -> Constraint:
    return _range([-_LONG_LIMIT, numbers[0]])


def _range(numbers: Sequence[int]) -> Constraint:
    low, high = max(numbers[0], -_LONG_LIMIT), min(numbers[1], _LONG_LIMIT - 1)

    def is_within(value: str) -> bool:
        number = _whole_number(value)
        return number is not None and low <= number <= high

    return is_within


def _regex(source: str) -> Constraint:
    try:
        pattern = re.compile(source, re.IGNORECASE)
    except re.error as error:
        raise ValueError(f"'{source}' is no regular expression: {error}") from error
    return lambda value: pattern.search(value) is not None


_PLAIN: Mapping[str, Constraint] = {
    "int": _is_int,
    "long": _is_long,
    "bool": _is_bool,
    "datetime": _is_datetime,
    "decimal": _is_decimal,
    "double": _is_real,
    "float": _is_real,
    "guid": _is_guid,
    "alpha": _is_alpha,
    "required": bool,
}
_WITH_NUMBERS: Mapping[str, tuple[tuple[int, ...], Callable[[Sequence[int]], Constraint]]] = {
    "length": ((1, 2), _length),
    "minlength": ((1,), _min_length),
    "maxlength": ((1,), _max_length),
    "min": ((1,), _min),
    "max": ((1,), _max),
    "range": ((2,), _range),
}
