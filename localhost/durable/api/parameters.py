"""What a request to the durable HTTP API says: flags, filters and JSON bodies."""

import json
import math
from collections.abc import Mapping
from datetime import UTC, datetime

from aiohttp import web

from localhost.durable.api.answers import BadRequestError
from localhost.durable.protocol import lenient_json
from localhost.durable.records import RUNTIME_STATUSES, InstanceFilter
from localhost.slow_callers import read_body

JSON = "application/json"
_INTEGERS = range(-(2**31), 2**31)


def flag(query: Mapping[str, str], name: str, *, default: bool = False) -> bool:
    """Read a boolean query option; the SDK writes ``True``, and no other word counts."""
    word = query.get(name, "").lower()
    return word == "true" if word in ("true", "false") else default


def moment(query: Mapping[str, str], name: str) -> datetime | None:
    """Read a time; one that cannot be read is ignored, as the extension does."""
    try:
        at = datetime.fromisoformat(query[name].replace(" ", "+"))
        return at.astimezone(UTC) if at.tzinfo else at.replace(tzinfo=UTC)
    except (KeyError, ValueError, OverflowError):  # the first day of all, east of Greenwich
        return None


def instance_filter(request: web.Request) -> InstanceFilter:
    """Read the options that choose instances."""
    names = {
        word.strip()
        for text in request.query.getall("runtimeStatus", [])
        for word in text.split(",")
    }
    return InstanceFilter(
        created_from=moment(request.query, "createdTimeFrom"),
        created_to=moment(request.query, "createdTimeTo"),
        statuses=frozenset(status for status in RUNTIME_STATUSES if status in names),
        id_prefix=request.query.get("instanceIdPrefix") or None,
    )


def seconds(query: Mapping[str, str], name: str) -> float | None:
    """Read a number of seconds, None where it is missing or no number."""
    try:
        value = float(query[name])
    except (KeyError, ValueError):
        return None
    return value if math.isfinite(value) else None


def whole_number(query: Mapping[str, str], name: str, default: int) -> int:
    """Read a whole number of 32 bits, the default where it is missing or none."""
    try:
        value = int(query[name])
    except (KeyError, ValueError):
        return default
    return value if value in _INTEGERS else default


async def body_text(request: web.Request) -> str:
    """Read the body as text."""
    return (await read_body(request)).decode("utf-8", errors="replace")


def json_text(text: str) -> str:
    """Make JSON of what the extension takes for it.

    Raises:
        BadRequestError: It cannot be read as JSON.
    """
    try:
        return json.dumps(lenient_json.loads(text), separators=(",", ":"))
    except lenient_json.LenientJsonError as error:
        raise BadRequestError(str(error)) from error
    except RecursionError as error:
        raise BadRequestError("The JSON is nested too deeply.") from error
