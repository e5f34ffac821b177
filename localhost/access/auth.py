"""Who may call what: the level of a request's key, compared with the level that is needed.

Source: AuthenticationLevelHandler of the Functions host; without `--auth` every request counts as
admin, as under Core Tools.
"""

from aiohttp import web

from localhost.access.keys import AuthLevel, KeyRing
from localhost.execution.contract import FunctionInfo

KEY_HEADER = "x-functions-key"
KEY_PARAMETER = "code"


class Gate:
    """Judges requests.

    Args:
        is_closed: Whether keys are asked for at all.
    """

    def __init__(self, keys: KeyRing, *, is_closed: bool) -> None:
        self.keys = keys
        self._is_closed = is_closed

    def is_allowed(
        self, request: web.Request, level: AuthLevel, function: str | None = None
    ) -> bool:
        """Whether a request may go on; `function` is None for webhooks and admin endpoints."""
        if not self._is_closed:
            return True
        return self.keys.level(request_key(request), function) >= level

    def is_call_allowed(self, request: web.Request, info: FunctionInfo) -> bool:
        """Whether a request may call an HTTP function."""
        level = AuthLevel.parse(str(info.trigger.get("authLevel", "function")))
        return self.is_allowed(request, level, info.name)

    def is_webhook_allowed(self, request: web.Request, system_key: str) -> bool:
        """Whether a request may call the webhook that the system key of this name opens."""
        key = request_key(request)
        return not self._is_closed or self.keys.opens_webhook(key, system_key)

    @property
    def webhook_key(self) -> str | None:
        """The key that the URLs of the Durable webhooks need; None where none is asked for."""
        return self.keys.durable_key if self._is_closed else None


def request_key(request: web.Request) -> str | None:
    """The key that came with a request: that of the header, without one that of the query."""
    if KEY_HEADER in request.headers:
        return request.headers[KEY_HEADER]
    return request.query.get(KEY_PARAMETER)
