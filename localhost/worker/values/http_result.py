"""What an HTTP function returned, as an HTTP response.

Source: HttpBinding.cs of the Functions host, for functions that return a bare text.
"""

import json
from typing import Any

from localhost.execution.contract import HttpResponseData
from localhost.worker.values.cookies import cookie_header

TEXT = "text/plain; charset=utf-8"
JSON = "application/json; charset=utf-8"


def response_from_datum(value: dict[str, Any]) -> HttpResponseData:
    """The response that azure-functions encoded from an `HttpResponse`."""
    # Exact texts and bytes: a subclass of the app's own could not be read outside of its worker.
    headers = [
        (str.__str__(name), str.__str__(datum.value)) for name, datum in value["headers"].items()
    ]
    cookies = [
        ("Set-Cookie", cookie_header(morsel))
        for cookie in value["cookies"] or ()
        for morsel in cookie.values()
    ]
    return HttpResponseData(
        status=int(value["status_code"].value),
        headers=headers + cookies,
        body=bytes(value["body"].value),
    )


def response_from_text(text: str) -> HttpResponseData:
    """A text is the body, unless it is a JSON object that has a `body` and so is the response."""
    try:
        document = json.loads(text)
    except (ValueError, RecursionError):
        document = None
    if not isinstance(document, dict) or "body" not in document:
        return HttpResponseData(200, [("Content-Type", TEXT)], text.encode())
    content_type, body = _body(document["body"])
    headers = [(str(name), str(value)) for name, value in _mapping(document, "headers").items()]
    if not any(name.lower() == "content-type" for name, _ in headers):
        headers.append(("Content-Type", content_type))
    cookies = [("Set-Cookie", _cookie(cookie)) for cookie in document.get("cookies") or ()]
    status = int(document.get("status") or document.get("statusCode") or 200)
    return HttpResponseData(status, headers + cookies, body)


def _body(body: Any) -> tuple[str, bytes]:
    if body is None:
        return TEXT, b""
    if isinstance(body, str):
        return TEXT, body.encode()
    return JSON, json.dumps(body, ensure_ascii=False).encode()


def _mapping(document: dict[str, Any], key: str) -> dict[str, Any]:
    value = document.get(key) or {}
    if not isinstance(value, dict):
        raise TypeError(f"'{key}' of the returned response must be an object, not {value!r}")
    return value


def _cookie(cookie: dict[str, Any]) -> str:
    parts = [f"{cookie['name']}={cookie.get('value', '')}"]
    words = {
        "domain": "Domain",
        "path": "Path",
        "expires": "Expires",
        "maxAge": "Max-Age",
        "sameSite": "SameSite",
    }
    parts += [f"{word}={cookie[key]}" for key, word in words.items() if cookie.get(key) is not None]
    parts += [
        word for key, word in (("secure", "Secure"), ("httpOnly", "HttpOnly")) if cookie.get(key)
    ]
    return "; ".join(parts)
