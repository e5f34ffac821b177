"""Dates, times, moments and durations of Arrow: values of Python, or text where those lack digits.

Python counts to the microsecond, and from year 1 to 9999. A value with nanoseconds becomes text as
JSON has it (ISO 8601, RFC 3339), with nine digits; one of another year is refused by name.
"""

from collections.abc import Callable
from datetime import UTC, date, datetime, time, timedelta, tzinfo
from functools import partial
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
from pyarrow import types
from pydantic_core import to_jsonable_python

from fanout.adapters.sources.parquet.faults import UnreadableError, Values, make_each

_NANOSECONDS = {"s": 10**9, "ms": 10**6, "us": 10**3, "ns": 1}
_DAY = 86_400 * 10**9
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
# The Gregorian calendar repeats itself.
_CYCLE_YEARS, _CYCLE_DAYS = 400, 146_097
_JULIAN_DAY_OF_EPOCH = 2_440_588
# Before, some zones were off by seconds, which no offset of ISO 8601 has: Liberia until 1972.
_WHOLE_MINUTES_SINCE = 3 * 365 * _DAY


def is_time(data_type: pa.DataType) -> bool:
    """Tell whether a type is a date, a time, a moment or a duration."""
    return bool(types.is_temporal(data_type)) and not types.is_interval(data_type)


def is_plain_time(data_type: pa.DataType) -> bool:
    """Tell whether PyArrow gives every value of such a type rightly, or raises."""
    if types.is_timestamp(data_type):
        return data_type.unit != "ns" and data_type.tz in (None, "UTC")
    if types.is_duration(data_type):
        return bool(data_type.unit != "ns")
    return bool(types.is_date32(data_type))


def read_times(array: pa.Array, coarse: pa.Array | None) -> Values:
    """Read an array of a type of time.

    Args:
        array: What is read.
        coarse: The same in milliseconds if they are INT96 timestamps, of which `array` holds 64
            bits alone: nanoseconds count from 1677 to 2262, and others wrap around.
    """
    if coarse is not None and not _fit_nanoseconds(coarse):
        return make_each(partial(_moment, None), _restore_int96(array, coarse))
    usual = _read_usual(array)
    return make_each(_maker(array.type), _counts(array)) if usual is None else Values(usual, {})


def _counts(array: pa.Array) -> Any:
    return _as_numbers(array).to_pylist()


def _as_numbers(array: pa.Array) -> pa.Array:
    return array.view(pa.int32() if array.type.bit_width == 32 else pa.int64())


def _fit_nanoseconds(coarse: pa.Array) -> bool:
    bounds = pc.min_max(_as_numbers(coarse)).as_py()
    most = 2**63 // 10**6
    return bounds["min"] is None or (-most < bounds["min"] and bounds["max"] < most)


def _restore_int96(fine: pa.Array, coarse: pa.Array) -> Any:
    """Count the nanoseconds of INT96 timestamps: their low 64 bits, and their milliseconds."""
    for low_bits, milliseconds in zip(_counts(fine), _counts(coarse), strict=True):
        if milliseconds is None:
            yield None
        else:
            least = milliseconds * 10**6
            total = least + (low_bits - least) % 2**64
            # PyArrow takes the Julian day, a signed number of 32 bits, for unsigned.
            is_negative = total // _DAY + _JULIAN_DAY_OF_EPOCH >= 2**31
            yield total - 2**32 * _DAY if is_negative else total


def _read_usual(array: pa.Array) -> list[Any] | None:
    """Read an array as PyArrow does; None if that would not be right for all of it."""
    try:
        if getattr(array.type, "unit", None) == "ns":
            array = array.cast(_microseconds(array.type))  # raises if digits would be lost
        return array.to_pylist() if _is_usual(array) else None
    except Exception:  # noqa: BLE001  one value made it, and each is read by itself then
        return None


def _microseconds(data_type: pa.DataType) -> pa.DataType:
    if types.is_timestamp(data_type):
        return pa.timestamp("us", data_type.tz)
    return pa.time64("us") if types.is_time(data_type) else pa.duration("us")


def _is_usual(array: pa.Array) -> bool:
    """Tell whether PyArrow would give no other value in silence."""
    if is_plain_time(array.type):
        return True
    if types.is_date(array.type):  # milliseconds of a day would be dropped
        return False
    bounds = pc.min_max(_as_numbers(array)).as_py()
    if bounds["min"] is None:
        return True
    scale = _NANOSECONDS[array.type.unit]
    if types.is_time(array.type):
        return bool(bounds["min"] >= 0 and bounds["max"] * scale < _DAY)
    return bool(bounds["min"] * scale >= _WHOLE_MINUTES_SINCE)


def _maker(data_type: pa.DataType) -> Callable[[int], Any]:
    """The function that makes a value of a count."""
    if types.is_date32(data_type):
        return _date
    if types.is_date64(data_type):
        return _date_of_milliseconds
    scale = _NANOSECONDS[data_type.unit]
    if types.is_timestamp(data_type):
        zone = _zone(data_type.tz)
        return lambda count: _moment(zone, count * scale)
    make = _time if types.is_time(data_type) else _duration
    return lambda count: make(count * scale)


def _date(days: int) -> date:
    try:
        return _EPOCH.date() + timedelta(days)
    except OverflowError:
        raise _out_of_range(days) from None


def _date_of_milliseconds(count: int) -> date:
    days, rest = divmod(count, _DAY // 10**6)
    if rest:
        raise UnreadableError(f"the date has {rest} milliseconds besides its days")
    return _date(days)


def _out_of_range(days: int) -> UnreadableError:
    cycles, days = divmod(days, _CYCLE_DAYS)
    day = _EPOCH.date() + timedelta(days)
    text = f"{day.year + cycles * _CYCLE_YEARS}-{day.month:02d}-{day.day:02d}"
    return UnreadableError(f"the date {text} is not within the years 1 to 9999")


def _zone(name: str | None) -> tzinfo | None:
    """The time zone of this name; one that nobody knows is UTC, in which moments are stored."""
    if not name:
        return None
    try:
        return pa.lib.string_to_tzinfo(name)  # type: ignore[no-any-return]
    except Exception:  # noqa: BLE001  it raises whatever the name is looked up with raises
        return UTC


def _moment(zone: tzinfo | None, nanoseconds: int) -> datetime | str:
    microseconds, rest = divmod(nanoseconds, 1000)
    try:
        moment = _EPOCH + timedelta(microseconds=microseconds)
    except OverflowError:
        raise _out_of_range(nanoseconds // _DAY) from None
    moment = moment.replace(tzinfo=None) if zone is None else _localise(moment, zone)
    if rest == 0:
        return moment
    text = moment.isoformat(timespec="microseconds")
    return _with_nanoseconds(text[:26], rest) + text[26:].replace("+00:00", "Z")


def _localise(moment: datetime, zone: tzinfo) -> datetime:
    """Give a moment in its zone; in UTC if its offset has seconds, or its year there no name."""
    try:
        local = moment.astimezone(zone)
        offset = local.utcoffset() or timedelta()
    except (OverflowError, ValueError):
        return moment
    return moment if offset % timedelta(minutes=1) else local


def _with_nanoseconds(text: str, rest: int) -> str:
    return f"{text}{rest:03d}"


def _time(nanoseconds: int) -> time | str:
    if not 0 <= nanoseconds < _DAY:
        raise UnreadableError(f"{nanoseconds} nanoseconds from midnight are not within a day")
    microseconds, rest = divmod(nanoseconds, 1000)
    value = (_EPOCH + timedelta(microseconds=microseconds)).time()
    if rest == 0:
        return value
    return _with_nanoseconds(value.isoformat(timespec="microseconds"), rest)


def _duration(nanoseconds: int) -> timedelta | str:
    microseconds, rest = divmod(nanoseconds, 1000)
    try:
        value = timedelta(microseconds=microseconds)
    except OverflowError:
        raise UnreadableError(f"{nanoseconds} nanoseconds are more than 999999999 days") from None
    if rest == 0:
        return value
    seconds, fraction = divmod(abs(nanoseconds), 10**9)
    text = str(to_jsonable_python(timedelta(seconds=seconds)))  # "P1DT2S", or "P1D"
    whole, separator = (
        (text[:-1], "") if text.endswith("S") else (text, "0" if "T" in text else "T0")
    )
    return f"{'-' * (nanoseconds < 0)}{whole}{separator}.{fraction:09d}S"
