"""Which calls are let in: by the role of the caller, and by how often the caller calls."""

from functools import lru_cache
from http import HTTPStatus
from math import ceil
from urllib.parse import urlsplit

import azure.functions as func

from fanout.adapters.settings import settings
from fanout.adapters.telemetry.logs import logger
from starters.api.endpoints import Endpoint
from starters.api.problems import problem
from starters.api.roles import Caller, NotSignedInError, Role, caller_of
from starters.api.throttle import Throttle

log = logger("http")
FORWARDED_FOR = "X-Forwarded-For"
# Browsers say in it where a call comes from; no script can change it.
FETCH_SITE = "Sec-Fetch-Site"
ORIGIN = "Origin"
OWN_SITE = {"same-origin", "none"}
NEARBY = "nearby"


def refusal(endpoint: Endpoint, req: func.HttpRequest) -> func.HttpResponse | None:
    """The answer to a call that is not let in; None lets it in.

    Where callers do not sign in, the host has asked for a function key already.
    """
    if endpoint.role is None:
        return None
    caller = None
    if settings().sign_in:
        try:
            caller = caller_of(req.headers)
        except NotSignedInError as error:
            return _refuse_unsigned(str(error))
        if not caller.has_role(endpoint.role):
            return _refuse_role(caller, endpoint.role)
        if endpoint.method != "GET" and _is_of_another_site(req):
            return _refuse_forgery(caller)
    wait = _throttle().take(caller.id if caller else _address(req))
    return _refuse_too_many(wait) if wait else None


def caller_id(req: func.HttpRequest) -> str:
    """Who makes a call that is let in: the caller who signed in, or where the call comes from."""
    return signed_in_id(req) if settings().sign_in else _address(req)


def signed_in_id(req: func.HttpRequest) -> str:
    """The caller who signed in; nothing where nobody does."""
    if not settings().sign_in:
        return ""
    try:
        return caller_of(req.headers).id
    except NotSignedInError:
        return ""


@lru_cache(maxsize=1)
def _throttle() -> Throttle:
    return Throttle(settings().max_requests_per_minute)


def _address(req: func.HttpRequest) -> str:
    """The address of a caller: the last in the header, which the nearest front end has written.

    A caller may write what comes before it. App Service adds a port, which each connection changes.
    """
    last = (req.headers.get(FORWARDED_FOR) or NEARBY).rpartition(",")[2].strip()
    if last.startswith("["):
        return last[1:].partition("]")[0]
    address, _, port = last.rpartition(":")
    return address if port.isdecimal() and ":" not in address else last


def _is_of_another_site(req: func.HttpRequest) -> bool:
    """Tell whether a page of another site makes the browser call, with the cookie of a sign-in.

    A browser that does not say so says in `Origin` which page it is, for each method but GET.

    Sources:
        https://developer.mozilla.org/docs/Web/HTTP/Headers/Sec-Fetch-Site
        https://www.rfc-editor.org/rfc/rfc6454#section-7.3
    """
    site, origin = req.headers.get(FETCH_SITE), req.headers.get(ORIGIN)
    if site is not None:
        return site not in OWN_SITE
    return origin is not None and not _is_own(origin, req)


def _is_own(origin: str, req: func.HttpRequest) -> bool:
    """Tell whether an origin is the app itself; `null` is a page that does not say who it is.

    The front end of App Service speaks TLS, and plain HTTP to the app: the scheme does not count.
    """
    try:
        place = urlsplit(origin)
        own = {settings().host.lower(), urlsplit(req.url).netloc.lower()}
    except ValueError:
        return False
    return place.scheme in ("http", "https") and place.netloc.lower() in own


def _refuse_forgery(caller: Caller) -> func.HttpResponse:
    log.warning("refused a call that a page of another site made for %s", caller.id)
    detail = "A page of another site may not change anything here."
    return problem(HTTPStatus.FORBIDDEN, "forbidden", detail)


def _refuse_unsigned(detail: str) -> func.HttpResponse:
    response = problem(HTTPStatus.UNAUTHORIZED, "not-signed-in", detail)
    response.headers["WWW-Authenticate"] = "Bearer"
    return response


def _refuse_role(caller: Caller, role: Role) -> func.HttpResponse:
    log.warning("refused a caller without the role '%s': %s", role.claim, caller.id)
    detail = f"This takes the role '{role.claim}', or a higher one."
    return problem(HTTPStatus.FORBIDDEN, "forbidden", detail)


def _refuse_too_many(wait: float) -> func.HttpResponse:
    seconds = ceil(wait)
    detail = f"Too many requests of yours: go on in {seconds} s, and ask less often."
    response = problem(HTTPStatus.TOO_MANY_REQUESTS, "too-many-requests", detail)
    response.headers["Retry-After"] = str(seconds)
    return response
