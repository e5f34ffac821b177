"""What host.json says about every function: how long a call may take, and which ones to load.

Source: https://learn.microsoft.com/azure/azure-functions/functions-host-json
"""

from collections.abc import Mapping
from datetime import timedelta
from typing import Any

from localhost.time_spans import parse_time_span

DEFAULT_TIMEOUT = timedelta(minutes=30)
UNLIMITED = "-1"


def function_timeout(host_json: Mapping[str, Any]) -> timedelta | None:
    """How long a call may take; None means for ever.

    Raises:
        ValueError: `functionTimeout` is no time span; the message says what it should be.
    """
    text = host_json.get("functionTimeout")
    if text is None:
        return DEFAULT_TIMEOUT
    if str(text) == UNLIMITED:
        return None
    span = parse_time_span(text.strip()) if isinstance(text, str) else None
    if span is None or span <= timedelta(0):
        raise ValueError(
            f"{text!r} is no time span such as '00:05:00' (hours, minutes, seconds), nor -1, which "
            "means no limit"
        )
    return span


def allowed_functions(host_json: Mapping[str, Any]) -> frozenset[str] | None:
    """The names, in lower case, of the only functions to load; None means all.

    Raises:
        ValueError: `functions` is no list of names.
    """
    names = host_json.get("functions")
    if names is None:
        return None
    if isinstance(
        names, dict
    ):  # from AzureFunctionsJobHost__functions__0=..., as Core Tools has it
        names = list(names.values())
    if not isinstance(names, list) or not all(isinstance(name, str) for name in names):
        raise ValueError("it must be a list of names of functions")
    return frozenset(name.lower() for name in names)
