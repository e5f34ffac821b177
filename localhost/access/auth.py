"""Who may call what: the level of a request's key, compared with the level that is needed.

Source: AuthenticationLevelHandler, AuthUtility and FunctionInvocationMiddleware of the Functions
host; without `--auth` every request counts as admin, as under Core Tools.
"""

from aiohttp import web

from localhost.access.keys import AuthLevel, KeyRing
from localhost.execution.contract import FunctionInfo

KEY_HEADER = "x-functions-key"
KEY_PARAMETER = "code"
NO_KEY = 401
LOW_KEY = 403
NOT_FOUND = 404


class Gate:
    """Judges requests: each method gives the status of the refusal, None where there is none.

    Args:
        is_closed: Whether keys are asked for at all.
    """

    def __init__(self, keys: KeyRing, *, is_closed: bool) -> None:
        self.keys = keys
        self._is_closed = is_closed

    def admin_refusal(self, request: web.Request) -> int | None:
        """Judge a request for an admin endpoint."""
        return self._refusal(self._level(request), is_open=False)

    def webhook_refusal(self, request: web.Request, extension: str) -> int | None:
        """Judge a request for the webhooks of an extension, whether there is one or not."""
        name = f"{extension}_extension"
        is_open = self.keys.is_system_key(request_key(request), name)
        return self._refusal(self._level(request), is_open=is_open)

    def call_refusal(
        self, request: web.Request, info: FunctionInfo, *, is_disabled: bool
    ) -> int | None:
        """Judge a call of an HTTP function; a disabled one is there for admins only."""
        needed = AuthLevel.parse(str(info.trigger.get("authLevel", "function")))
        # Nobody looks for keys where none is needed and none is sent.
        is_asked = needed is not AuthLevel.ANONYMOUS or _has_key(request)
        level = self._level(request, info.name) if is_asked else AuthLevel.ANONYMOUS
        if needed is not AuthLevel.ANONYMOUS and level not in (needed, AuthLevel.ADMIN):
            return NO_KEY
        return NOT_FOUND if is_disabled and level is not AuthLevel.ADMIN else None

    @property
    def webhook_key(self) -> str | None:
        """The key that the URLs of the Durable webhooks need; None where none is asked for."""
        return self.keys.durable_key if self._is_closed else None

    def _level(self, request: web.Request, function: str | None = None) -> AuthLevel:
        if not self._is_closed:
            return AuthLevel.ADMIN
        return self.keys.level(request_key(request), function)

    @staticmethod
    def _refusal(level: AuthLevel, *, is_open: bool) -> int | None:
        if is_open or level is AuthLevel.ADMIN:
            return None
        return NO_KEY if level is AuthLevel.ANONYMOUS else LOW_KEY


def request_key(request: web.Request) -> str | None:
    """The key that came with a request: that of the header, without one that of the query."""
    if KEY_HEADER in request.headers:
        return request.headers[KEY_HEADER]
    return request.query.get(KEY_PARAMETER)


def _has_key(request: web.Request) -> bool:
    return KEY_HEADER in request.headers or KEY_PARAMETER in request.query
