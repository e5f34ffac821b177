"""Binding expressions: `{name}` and the like in a path, a key or a filter.

Names are found whatever their case. What a name means comes from the trigger (`trigger_data.py`);
`{rand-guid}`, `{DateTime}` and `{sys...}` are the host's own.

Source: https://learn.microsoft.com/azure/azure-functions/functions-bindings-expressions-patterns
"""

import re
import uuid
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import Any

from localhost.bindings.json_values import number_text

DATE_FORMAT = "yyyy-MM-ddTHH-mm-ssK"
_TOKEN = re.compile(r"(?P<escape>\{\{|\}\})|\{(?P<name>[^{}]*)\}|(?P<stray>[{}])")
_GUID_FORMATS: dict[str, Callable[[uuid.UUID], str]] = {
    "D": str,
    "N": lambda value: value.hex,
    "B": lambda value: f"{{{value}}}",
    "P": lambda value: f"({value})",
}
_DATE_PART = re.compile(r"'(?P<text>[^']*)'|\\(?P<escape>.)|(?P<part>([A-Za-z])\4*)|(?P<other>.)")
_DATE_PARTS: dict[str, Callable[[datetime], str]] = {
    "yyyy": lambda value: f"{value.year:04}",
    "yy": lambda value: f"{value.year % 100:02}",
    "MMMM": lambda value: f"{value:%B}",
    "MMM": lambda value: f"{value:%b}",
    "MM": lambda value: f"{value.month:02}",
    "M": lambda value: str(value.month),
    "dddd": lambda value: f"{value:%A}",
    "ddd": lambda value: f"{value:%a}",
    "dd": lambda value: f"{value.day:02}",
    "d": lambda value: str(value.day),
    "HH": lambda value: f"{value.hour:02}",
    "H": lambda value: str(value.hour),
    "hh": lambda value: f"{value:%I}",
    "mm": lambda value: f"{value.minute:02}",
    "m": lambda value: str(value.minute),
    "ss": lambda value: f"{value.second:02}",
    "s": lambda value: str(value.second),
    "tt": lambda value: f"{value:%p}",
    "K": lambda value: "Z",
    "T": lambda value: "T",
    "Z": lambda value: "Z",
}


class ExpressionError(Exception):
    """An expression has no value, or cannot be read."""


def check_template(template: str) -> None:
    """Look at the braces of a path, a key or a filter.

    Raises:
        ExpressionError: One has no other, or there is no name between two.
    """
    for match in _TOKEN.finditer(template):
        if not match["escape"] and not match["name"]:
            raise ExpressionError(f"'{template}' has a brace without its other one, or no name")


class BindingData:
    """What the expressions of one call mean.

    Args:
        function: The name of the function.
        values: What its trigger delivers; objects may be nested.
        invocation_id: The id of the call.
    """

    def __init__(self, function: str, values: Mapping[str, Any], invocation_id: str = "") -> None:
        self.invocation_id = invocation_id
        self._function = function
        self._values = {name.lower(): value for name, value in values.items()}

    def fill(self, template: str) -> str:
        """Put the values into a path or a key.

        Raises:
            ExpressionError: One has no value.
        """
        return self._fill(template, lambda name, before: self._text(name))

    def fill_filter(self, template: str) -> str:
        """Put the values into an OData filter, so that none of them can change what it means.

        Raises:
            ExpressionError: One has no value, or stands outside of quotes and is no number.
        """
        return self._fill(template, self._filter_text)

    def _fill(self, template: str, text_of: Callable[[str, str], str]) -> str:
        check_template(template)

        def replace(match: re.Match[str]) -> str:
            if match["escape"]:
                return match["escape"][0]
            return text_of(match["name"], template[: match.start()])

        return _TOKEN.sub(replace, template)

    def _text(self, name: str) -> str:
        text = format_value(self._value(name), _format_of(name))
        if text is None:
            raise ExpressionError(f"No value for named parameter '{name}'.")
        return text

    def _filter_text(self, name: str, before: str) -> str:
        text = self._text(name)
        if before.count("'") % 2:
            return text.replace("'", "''")
        if re.fullmatch(r"-?[0-9]+(\.[0-9]+)?|true|false", text, re.ASCII | re.IGNORECASE):
            return text
        raise ExpressionError(
            f"An invalid parameter value was specified for filter parameter '{name}'."
        )

    def _value(self, name: str) -> Any:
        path, _, _ = name.partition(":")
        first, *others = path.lower().split(".")
        if first in self._values:
            return _descend(self._values[first], others)
        # The host's own names count by how they begin, as in the WebJobs SDK.
        if first.startswith("rand-guid"):
            return uuid.uuid4()
        if first.startswith("datetime"):
            return datetime.now(UTC)
        return _descend(self._system_values(), others) if first == "sys" else None

    def _system_values(self) -> dict[str, Any]:
        return {
            "methodname": self._function,
            "utcnow": datetime.now(UTC),
            "randguid": uuid.uuid4(),
        }


def format_value(value: Any, form: str = "") -> str | None:
    """Write a value as text; None if it is an object, a list or nothing.

    Raises:
        ExpressionError: The format is not known.
    """
    match value:
        case None | dict() | list():
            return None
        case bool():
            return str(value)
        case uuid.UUID():
            return _format_guid(value, form)
        case float():
            return number_text(value)
        case datetime():
            return _format_date(value, form or DATE_FORMAT)
    return str(value)


def _format_of(name: str) -> str:
    return name.partition(":")[2].strip()


def _descend(value: Any, names: list[str]) -> Any:
    for name in names:
        if not isinstance(value, dict):
            return None
        by_name = {str(key).lower(): item for key, item in value.items()}
        value = by_name.get(name)
    return value


def _format_guid(value: uuid.UUID, form: str) -> str:
    write = _GUID_FORMATS.get((form or "D").upper())
    if write is None:
        raise ExpressionError(f"'{form}' is no format of a GUID: use D, N, B or P")
    return write(value)


def _format_date(value: datetime, form: str) -> str:
    text = ""
    for match in _DATE_PART.finditer(form):
        part = match["part"]
        if part is None:
            text += match["text"] or match["escape"] or match["other"] or ""
        elif part in _DATE_PARTS:
            text += _DATE_PARTS[part](value)
        elif set(part) == {"f"} and len(part) <= 7:
            text += f"{value.microsecond:06}0"[: len(part)]
        else:
            raise ExpressionError(f"the part '{part}' of the format '{form}' is not served here")
    return text
