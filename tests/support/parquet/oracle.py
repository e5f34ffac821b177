"""What a scalar of Arrow is in JSON, found without the product: by bytes and numpy's calendar.

A value that the product may not give at all is `UNREADABLE`.
"""

import base64
import math
import re
import zoneinfo
from datetime import UTC, datetime, timedelta, timezone
from decimal import Decimal
from typing import Any

import numpy as np
import pyarrow as pa
from pyarrow import types

UNREADABLE = object()
_UNITS = {"s": 10**9, "ms": 10**6, "us": 10**3, "ns": 1}
_DAY = 86_400 * 10**9
_DURATION = re.compile(
    r"(?P<sign>-?)P(?:(?P<years>\d+)Y)?(?:(?P<days>\d+)D)?"
    r"(?:T(?:(?P<hours>\d+)H)?(?:(?P<minutes>\d+)M)?(?:(?P<seconds>\d+)(?:\.(?P<fraction>\d+))?S)?)?"
)


def is_same(found: Any, scalar: pa.Scalar) -> bool:
    """Whether what was found in JSON is the value of a scalar, which has one in JSON."""
    expected = json_of(scalar)
    return expected is not UNREADABLE and _same(found, expected)


def _same(found: Any, expected: Any) -> bool:
    if isinstance(expected, _Time):
        return isinstance(found, str) and expected.is_meant_by(found)
    if isinstance(expected, dict):
        return (
            isinstance(found, dict)
            and list(found) == list(expected)
            and all(_same(found[name], expected[name]) for name in expected)
        )
    if isinstance(expected, list):
        return (
            isinstance(found, list)
            and len(found) == len(expected)
            and all(map(_same, found, expected))
        )
    return type(found) is type(expected) and found == expected


class _Time:
    """A value of time, which more than one text may mean."""

    def __init__(self, data_type: pa.DataType, nanoseconds: int) -> None:
        self._type = data_type
        self._nanoseconds = nanoseconds

    def is_meant_by(self, text: str) -> bool:
        if types.is_duration(self._type):
            return _duration(text) == self._nanoseconds
        if types.is_time(self._type):
            return _since_midnight(text) == self._nanoseconds
        moment, offset = _moment(text)
        if types.is_date(self._type) or self._type.tz is None:
            return offset is None and moment == self._nanoseconds
        return (
            offset is not None and moment - offset == self._nanoseconds and self._has_zone(offset)
        )

    def _has_zone(self, offset: int) -> bool:
        """Whether the offset is that of the zone, or zero where the zone has none to write."""
        own = _offset(self._type.tz, self._nanoseconds)
        return offset == (0 if own is None or own % (60 * 10**9) else own)


def _offset(name: str, nanoseconds: int) -> int | None:
    if fixed := re.fullmatch(r"([+-])(\d\d):(\d\d)", name):
        minutes = int(fixed[2]) * 60 + int(fixed[3])
        zone: Any = timezone(timedelta(minutes=-minutes if fixed[1] == "-" else minutes))
    else:
        try:
            zone = zoneinfo.ZoneInfo(name)
        except Exception:
            return None
    moment = datetime(1970, 1, 1, tzinfo=UTC) + timedelta(microseconds=nanoseconds // 1000)
    try:
        return round(moment.astimezone(zone).utcoffset().total_seconds()) * 10**9
    except OverflowError:
        return None


def _moment(text: str) -> tuple[int, int | None]:
    """The nanoseconds of the local date and time in a text, and those of its offset."""
    local, sign, offset = re.fullmatch(r"(.{10}(?:T[\d:.]+)?)(?:(Z|[+-])(.*))?", text).groups()
    nanoseconds = None
    if sign == "Z":
        nanoseconds = 0
    elif sign:
        nanoseconds = _since_midnight(f"{offset}:00") * (-1 if sign == "-" else 1)
    day, _, clock = local.partition("T")
    days = int(np.datetime64(day, "D").astype("int64"))
    return days * _DAY + (_since_midnight(clock) if clock else 0), nanoseconds


def _since_midnight(text: str) -> int:
    hours, minutes, seconds, fraction = re.fullmatch(
        r"(\d\d):(\d\d):(\d\d)(?:\.(\d{6}|\d{9}))?", text
    ).groups()
    whole = (int(hours) * 60 + int(minutes)) * 60 + int(seconds)
    return whole * 10**9 + int((fraction or "").ljust(9, "0"))


def _duration(text: str) -> int:
    parts = _DURATION.fullmatch(text).groupdict()
    number = {name: int(value or 0) for name, value in parts.items() if name != "sign"}
    days = number["years"] * 365 + number["days"]
    seconds = (number["hours"] * 60 + number["minutes"]) * 60 + number["seconds"]
    fraction = int((parts["fraction"] or "").ljust(9, "0"))
    total = days * _DAY + seconds * 10**9 + fraction
    return -total if parts["sign"] else total


def json_of(scalar: pa.Scalar) -> Any:
    """The JSON of a scalar, with values of time for texts; `UNREADABLE` if it has none."""
    if not scalar.is_valid:
        return None
    if isinstance(scalar, pa.ExtensionScalar):
        return _extension(scalar)
    if types.is_dictionary(scalar.type):
        return json_of(scalar.value)
    if types.is_nested(scalar.type):
        return _nested(scalar)
    return _time(scalar) if types.is_temporal(scalar.type) else _leaf(scalar)


def _nested(scalar: pa.Scalar) -> Any:
    if types.is_struct(scalar.type):
        return _struct(scalar)
    if types.is_map(scalar.type):
        return _all([[json_of(pair[0]), json_of(pair[1])] for pair in scalar.values])
    return _all([json_of(element) for element in scalar.values])


def _all(values: list[Any]) -> Any:
    flat = [part for value in values for part in (value if isinstance(value, list) else [value])]
    return UNREADABLE if any(part is UNREADABLE for part in flat) else values


def _struct(scalar: pa.StructScalar) -> Any:
    names = [field.name for field in scalar.type]
    if len(set(names)) < len(names):
        return UNREADABLE
    values = [json_of(scalar[number]) for number in range(len(names))]
    if any(value is UNREADABLE for value in values):
        return UNREADABLE
    return dict(zip(names, values, strict=True))


def _extension(scalar: pa.ExtensionScalar) -> Any:
    raw = scalar.value
    if isinstance(scalar.type, pa.UuidType):
        digits = raw.as_buffer().to_pybytes().hex()
        return "-".join(re.fullmatch(r"(.{8})(.{4})(.{4})(.{4})(.{12})", digits).groups())
    if isinstance(scalar.type, pa.Bool8Type):
        return raw.as_py() != 0
    return json_of(raw)


def _time(scalar: pa.Scalar) -> Any:
    data_type = scalar.type
    count = scalar.value
    unit = _DAY if types.is_date32(data_type) else _UNITS[getattr(data_type, "unit", "ms")]
    nanoseconds = count * unit
    if types.is_time(data_type):
        fits = 0 <= nanoseconds < _DAY
    elif types.is_duration(data_type):
        fits = abs(nanoseconds) < 999_999_999 * _DAY
    else:
        days = nanoseconds // _DAY
        fits = -719_162 <= days <= 2_932_896  # from year 1 to 9999
    return _Time(data_type, nanoseconds) if fits else UNREADABLE


def _leaf(scalar: pa.Scalar) -> Any:
    data_type = scalar.type
    if (
        types.is_string(data_type)
        or types.is_large_string(data_type)
        or types.is_string_view(data_type)
    ):
        try:
            return scalar.as_buffer().to_pybytes().decode("utf-8")
        except UnicodeDecodeError:
            return UNREADABLE
    if hasattr(scalar, "as_buffer"):
        return base64.urlsafe_b64encode(scalar.as_buffer().to_pybytes()).decode()
    value = scalar.as_py()
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    return str(value) if isinstance(value, Decimal) else value
