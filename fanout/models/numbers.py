"""Numbers and texts from outside: each is finite, and between a floor and a ceiling.

What a caller writes is multiplied, counted on, waited for and kept. A number without bounds makes a
run that never moves, or a time that no calendar has. So each field of a model that is read from a
request, a message, a file or a source has one of these types, and its JSON Schema says the bounds.
"""

import re
from datetime import UTC, datetime
from typing import Annotated, Any

from pydantic import AfterValidator, AwareDatetime, BeforeValidator, Field, ValidationInfo

# Whole numbers up to here are the same in every reader of JSON: RFC 8259, section 6.
MAX_COUNT = 2**53 - 1
# One item in about seventeen minutes. A run that is slower looks as if it stood still, and a large
# batch of it would end after the last year of the calendar.
MIN_RATE = 0.001
# More than any run has reached by far: it is as good as no limit.
MAX_RATE = 1_000_000_000.0
# Clocks of hosts are not more exact.
MIN_SPAN_SECONDS = 0.001
DAY_SECONDS = 86_400.0
# Beyond it sums and products of numbers may be infinite.
MAX_MAGNITUDE = 1e300
# As many digits as the widest decimals of Parquet and of databases have.
MAX_WHOLE = 10**38
MAX_NAME_CHARACTERS = 4_000
MAX_NAMES = 10_000
MAX_MOMENT_CHARACTERS = 64
# Python takes anything between date and time, digits and signs as well.
_MOMENT = re.compile(
    r"(?:[0-9]{4}-[0-9]{2}-[0-9]{2}|[0-9]{8}|[0-9]{4}-?W[0-9]{2}(?:-?[0-9])?)"
    r"(?:[Tt ][0-9:.,]+(?P<offset>[Zz]|[+-].*)?)?"
)
_OFFSET = re.compile(r"[Zz]|[+-](?:[01][0-9]|2[0-3])(?::?[0-5][0-9])?")


def _fit_kept(low: float, high: float) -> BeforeValidator:
    """Bring a number that an earlier version kept within bounds that are newer.

    What is kept is read as JSON; what comes from outside is parsed first, and refused.
    """

    def fit(value: Any, info: ValidationInfo) -> Any:
        is_kept = info.mode == "json" and type(value) in (int, float)
        return min(max(value, low), high) if is_kept else value

    return BeforeValidator(fit)


Count = Annotated[int, Field(ge=0, le=MAX_COUNT), _fit_kept(0, MAX_COUNT)]
PositiveCount = Annotated[int, Field(ge=1, le=MAX_COUNT), _fit_kept(1, MAX_COUNT)]
Rate = Annotated[
    float,
    Field(ge=MIN_RATE, le=MAX_RATE, allow_inf_nan=False),
    _fit_kept(MIN_RATE, MAX_RATE),
]
Percentage = Annotated[float, Field(ge=0, le=100, allow_inf_nan=False)]
# How long something may take.
Span = Annotated[
    float,
    Field(ge=MIN_SPAN_SECONDS, le=DAY_SECONDS, allow_inf_nan=False),
    _fit_kept(MIN_SPAN_SECONDS, DAY_SECONDS),
]
# How long something waits, at most an hour or a day.
ShortWait = Annotated[float, Field(ge=0, le=3_600, allow_inf_nan=False)]
LongWait = Annotated[float, Field(ge=0, le=DAY_SECONDS, allow_inf_nan=False)]
# The name of a column, a field or a type.
Name = Annotated[str, Field(max_length=MAX_NAME_CHARACTERS)]


def read_moment(text: Any) -> datetime:
    """Read a moment of ISO 8601 with its offset, or in UTC without one.

    Raises:
        ValueError: It is none, there is neither a T nor a space between date and time, its offset
            is none of RFC 3339 (``+99:99``, ``+05:99``), or it is in no year of the calendar once
            it is in UTC.

    Source: https://www.rfc-editor.org/rfc/rfc3339#section-5.6
    """
    moment = datetime.fromisoformat(_insist_on_offset(text))
    return _insist_on_calendar(moment if moment.tzinfo else moment.replace(tzinfo=UTC))


def _insist_on_offset(text: Any) -> str:
    if not isinstance(text, str) or len(text) > MAX_MOMENT_CHARACTERS:
        raise ValueError("it is no ISO 8601 time")
    moment = _MOMENT.fullmatch(text)
    if moment is None:
        raise ValueError("it is no ISO 8601 time")
    # Python adds up any minutes, `+05:99`.
    if moment["offset"] and not _OFFSET.fullmatch(moment["offset"]):
        raise ValueError("its offset from UTC is none: hours go to 23, minutes to 59")
    return text


def _insist_on_calendar(moment: datetime) -> datetime:
    try:
        moment.astimezone(UTC)
    except OverflowError:
        raise ValueError("in UTC it is in no year of the calendar, 1 to 9999") from None
    return moment


def _insist_on_date(text: Any) -> str:
    # pydantic takes digits for seconds since 1970.
    if isinstance(text, str) and text.strip().replace(".", "").isdigit():
        raise ValueError("it is no ISO 8601 time")
    return _insist_on_offset(text)


def _accept_moment(value: Any) -> Any:
    return value if isinstance(value, datetime) else _insist_on_date(value)


Moment = Annotated[
    AwareDatetime, BeforeValidator(_accept_moment), AfterValidator(_insist_on_calendar)
]
