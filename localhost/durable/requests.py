"""What a request to the durable HTTP API says: flags, filters and JSON bodies."""

import json
from collections.abc import Mapping
from datetime import UTC, datetime

from aiohttp import web

from localhost.durable.answers import BadRequestError
from localhost.durable.contract import RUNTIME_STATUSES, InstanceFilter

PUBLIC_PREFIX = "/runtime/"
JSON = "application/json"


def flag(query: Mapping[str, str], name: str, *, default: bool = False) -> bool:
    """Read a boolean query option; the SDK writes ``True``."""
    return default if name not in query else query[name].lower() == "true"


def moment(query: Mapping[str, str], name: str) -> datetime | None:
    """Read a time; one that cannot be read is ignored, as the extension does."""
    try:
        at = datetime.fromisoformat(query[name].replace(" ", "+"))
    except (KeyError, ValueError):
        return None
    return at if at.tzinfo else at.replace(tzinfo=UTC)


def instance_filter(request: web.Request) -> InstanceFilter:
    """Read the options that choose instances."""
    given = {
        word.strip().lower()
        for text in request.query.getall("runtimeStatus", [])
        for word in text.split(",")
    }
    return InstanceFilter(
        created_from=moment(request.query, "createdTimeFrom"),
        created_to=moment(request.query, "createdTimeTo"),
        statuses=frozenset(status for status in RUNTIME_STATUSES if status.lower() in given),
        id_prefix=request.query.get("instanceIdPrefix") or None,
    )


def seconds(query: Mapping[str, str], name: str) -> float | None:
    """Read a number of seconds, None where it is missing or no number."""
    try:
        return float(query[name])
    except (KeyError, ValueError):
        return None


async def json_text(request: web.Request) -> str | None:
    """Read the body as JSON text, None where it is empty.

    Raises:
        BadRequestError: It is no JSON.
    """
    text = (await request.read()).decode("utf-8", errors="replace")
    if not text.strip():
        return None
    try:
        json.loads(text)
    except json.JSONDecodeError as error:
        raise BadRequestError(f"Invalid JSON content: {error}") from error
    return text


def entity_input(request: web.Request, text: str | None) -> str | None:
    """Encode an operation's input as the SDK's entities decode it: JSON inside a JSON string.

    The SDK's client sends it so; callers of the public webhook send plain JSON.
    """
    if text is None or not is_public(request):
        return text
    return json.dumps(text)


def is_public(request: web.Request) -> bool:
    """Whether it came through the public webhook and not from the SDK's client."""
    return request.path.startswith(PUBLIC_PREFIX)
