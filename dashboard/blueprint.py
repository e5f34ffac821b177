"""Serve the dashboard: pages for the browser, which read and steer runs by the public HTTP API.

The files hold no data, so everybody may get them. What they show comes from the API, which asks for
a key. This room imports nothing of ours, so the API has to suffice.
"""

from collections.abc import Mapping
from functools import lru_cache
from hashlib import sha256
from http import HTTPStatus
from pathlib import Path
from urllib.parse import urlsplit

import azure.functions as func

bp = func.Blueprint()
FUNCTION_NAME = "dashboard"
STATIC = Path(__file__).parent / "static"
INDEX = "index.html"
# Shows a page that a run has rendered: it may have styles of its own, and nothing else.
FRAME = "frame.html"
MEDIA_TYPES = {
    ".html": "text/html; charset=utf-8",
    ".css": "text/css; charset=utf-8",
    ".js": "text/javascript; charset=utf-8",
    ".svg": "image/svg+xml",
}
POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; "
    "connect-src 'self'; frame-src 'self'; base-uri 'none'; form-action 'none'; "
    "frame-ancestors 'none'"
)
FRAME_POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'unsafe-inline'; img-src data:; "
    "base-uri 'none'; form-action 'none'; frame-ancestors 'self'; sandbox allow-scripts"
)


@bp.route(route="dashboard/{*path}", methods=["GET", "HEAD"], auth_level=func.AuthLevel.ANONYMOUS)
@bp.function_name(FUNCTION_NAME)
def dashboard(req: func.HttpRequest) -> func.HttpResponse:
    """Return a file of the dashboard, or its page if the path is empty."""
    return serve(req.url, req.route_params.get("path") or "", req.headers)


def serve(url: str, path: str, headers: Mapping[str, str]) -> func.HttpResponse:
    """Answer a request for a path below the dashboard; the path of its page is empty."""
    if not path and urlsplit(url).path.endswith("/"):
        # The links of the page are relative to its address without the slash.
        return func.HttpResponse(
            status_code=HTTPStatus.PERMANENT_REDIRECT, headers={"Location": "../dashboard"}
        )
    return respond(path or INDEX, headers)


def respond(name: str, headers: Mapping[str, str]) -> func.HttpResponse:
    """Answer with a file, or with 304 if the browser has it already."""
    content = files().get(name)
    if content is None:
        return func.HttpResponse("There is no such file.", status_code=HTTPStatus.NOT_FOUND)
    tag = f'"{sha256(content).hexdigest()[:32]}"'
    response_headers = {
        "Content-Security-Policy": FRAME_POLICY if name == FRAME else POLICY,
        "X-Content-Type-Options": "nosniff",
        "Referrer-Policy": "no-referrer",
        "Cross-Origin-Opener-Policy": "same-origin",
        "Permissions-Policy": "camera=(), geolocation=(), microphone=()",
        "Cache-Control": "no-cache",
        "ETag": tag,
    }
    if headers.get("If-None-Match") == tag:
        return func.HttpResponse(status_code=HTTPStatus.NOT_MODIFIED, headers=response_headers)
    response_headers["Content-Type"] = MEDIA_TYPES[Path(name).suffix]
    return func.HttpResponse(content, headers=response_headers)


@lru_cache(maxsize=1)
def files() -> dict[str, bytes]:
    """Every file by its path; no other can be requested."""
    return {
        path.relative_to(STATIC).as_posix(): path.read_bytes()
        for path in sorted(STATIC.rglob("*"))
        if path.suffix in MEDIA_TYPES
    }
