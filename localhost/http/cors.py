"""Cross-origin requests, as local.settings.json allows them (`Host.CORS`)."""

from aiohttp import web

from localhost.settings import Cors

PREFLIGHT_METHOD = "Access-Control-Request-Method"
_PREFLIGHT_HEADERS = "Access-Control-Request-Headers"


def preflight(request: web.Request, cors: Cors | None) -> web.Response | None:
    """The answer to a browser's question before its request; None if it is no such question."""
    if cors is None or request.method != "OPTIONS" or PREFLIGHT_METHOD not in request.headers:
        return None
    response = web.Response(status=204)
    if _is_allowed(cors, request.headers.get("Origin")):
        response.headers["Access-Control-Allow-Methods"] = request.headers[PREFLIGHT_METHOD]
        if _PREFLIGHT_HEADERS in request.headers:
            response.headers["Access-Control-Allow-Headers"] = request.headers[_PREFLIGHT_HEADERS]
    return response


def mark(request: web.Request, response: web.StreamResponse, cors: Cors | None) -> None:
    """Tell the browser that the page may read the response, if it may."""
    origin = request.headers.get("Origin")
    if cors is None or origin is None or not _is_allowed(cors, origin):
        return
    is_any = "*" in cors.origins and not cors.allows_credentials
    response.headers["Access-Control-Allow-Origin"] = "*" if is_any else origin
    if not is_any:
        response.headers.add("Vary", "Origin")
    if cors.allows_credentials:
        response.headers["Access-Control-Allow-Credentials"] = "true"


def _is_allowed(cors: Cors, origin: str | None) -> bool:
    if origin is None or not origin.isascii():  # it could not be sent back
        return False
    origins = {allowed.rstrip("/").lower() for allowed in cors.origins}
    return "*" in origins or origin.rstrip("/").lower() in origins
