"""HTTP as the cases speak it: JSON where it is, and only the headers that matter."""

import json
import urllib.error
import urllib.request
from typing import Any

SECONDS = 100
KEPT = ("Content-Type", "Location", "Retry-After")
TOKEN = "x-ms-continuation-token"


class _NoRedirect(urllib.request.HTTPRedirectHandler):
    def redirect_request(self, *_: Any) -> None:
        return None


class Web:
    """Sends requests to one host."""

    def __init__(self, base: str) -> None:
        self.base = base.rstrip("/")
        self._opener = urllib.request.build_opener(_NoRedirect)

    def call(
        self,
        method: str,
        url: str,
        body: Any = None,
        type_: str | None = "application/json",
        headers: dict[str, str] | None = None,
    ) -> tuple[int, Any, Any]:
        """Send bytes as they are and all else as JSON; give status, headers and body."""
        data = body if body is None or isinstance(body, bytes) else json.dumps(body).encode()
        given = {"Content-Type": type_} if type_ and data is not None else {}
        target = url if url.startswith("http") else self.base + url
        request = urllib.request.Request(target, data, {**given, **(headers or {})}, method=method)
        try:
            with self._opener.open(request, timeout=SECONDS) as answer:
                status, got, raw = answer.status, answer.headers, answer.read()
        except urllib.error.HTTPError as error:
            status, got, raw = error.code, error.headers, error.read()
        except Exception as error:
            return 0, {}, f"{type(error).__name__}: {error}"
        text = raw.decode("utf-8", "replace")
        try:
            return status, got, json.loads(text) if text else None
        except ValueError:
            return status, got, text

    def answer(self, method: str, url: str, *args: Any, **kwargs: Any) -> dict[str, Any]:
        """Send a request, and give its answer as it is recorded."""
        status, headers, body = self.call(method, url, *args, **kwargs)
        kept: dict[str, Any] = {n.lower(): headers[n] for n in KEPT if headers.get(n)}
        if headers.get(TOKEN):
            kept["token"] = True
        return {"status": status, "headers": kept, "body": body}
