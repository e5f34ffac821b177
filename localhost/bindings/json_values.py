"""What the Functions host makes of the values of a JSON object, by which expressions name them.

It reads them with Json.NET and takes their texts as .NET writes them for no culture.
Source: `ApplyBindingData` in Utility.cs of the Functions host.
"""

import math
import re
from collections.abc import Mapping
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

_DATE = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?(Z|[+-]\d\d:\d\d)?", re.ASCII)
# Between these powers of ten .NET writes a number without an exponent.
_LOWEST_POWER = -4
_HIGHEST_POWER = 14


def json_values(document: Mapping[str, Any] | None) -> dict[str, Any]:
    """The values that have a name: objects as they are, others as text; no lists, nothing null.

    A text that is a date means what .NET makes of it: `01/31/2026 10:00:00`.
    """
    return {
        name: value if isinstance(value, dict) else dotnet_text(value)
        for name, value in (document or {}).items()
        if value is not None and not isinstance(value, list)
    }


def dotnet_text(value: Any) -> str:
    """A text, a number or a truth value as .NET writes it."""
    if isinstance(value, str):
        moment = parse_date(value)
        if moment is None:
            return value
        try:
            # A machine of Azure has the clock of UTC.
            local = moment.astimezone(UTC) if moment.tzinfo else moment
        except OverflowError:  # before the year 1, or after 9999
            return value
        return f"{local:%m/%d}/{local.year:04} {local:%H:%M:%S}"
    return number_text(value) if isinstance(value, float) else str(value)


def number_text(value: float) -> str:
    """A number as .NET writes it: `1`, `1.5`, `1E+20`."""
    if not math.isfinite(value):
        return "NaN" if math.isnan(value) else f"{'-' if value < 0 else ''}Infinity"
    number = Decimal(repr(value)).normalize()
    power = number.adjusted()
    if not number or _LOWEST_POWER <= power <= _HIGHEST_POWER:
        return f"{number:f}"
    return f"{number.scaleb(-power):f}E{power:+03}"


def parse_date(text: str) -> datetime | None:
    """The moment that Json.NET takes a text for; None if it is no date."""
    if not _DATE.fullmatch(text):
        return None
    try:
        return datetime.fromisoformat(re.sub(r"(\.\d{6})\d+", r"\1", text))
    except ValueError:
        return None
