"""`call_http`."""

from collections.abc import Callable
from typing import Any

from tests.conformance.registry import Case, simple

_FORM = {"Content-Type": "application/x-www-form-urlencoded"}
GETS = {
    "echo": "/echo",
    "text": "/text",
    "empty": "/empty",
    "404": "/404",
    "500": "/500",
    "429": "/429",
    "pollget": "/poll?mark=MARK",
    "lost": "/lost",
    "moved": "/moved",
    "pollrelative": "/poll?mark=MARK&location=relative",
    "refused": "http://127.0.0.1:9/x",
    "noname": "http://no.such.host.invalid/",
    "badurl": "not a url",
}
OTHERS: dict[str, dict[str, Any]] = {
    "post": {"method": "POST", "content": {"a": 1}, "headers": {"x-wide": "1"}},
    "posttext": {"method": "POST", "content": "text"},
    "postraw": {"method": "POST", "content": "text", "raw": True},
    "posttyped": {"method": "POST", "content": "a=1", "raw": True, "headers": _FORM},
    "put": {"method": "put", "content": [1]},
    "poll": {"method": "POST", "url": "/poll?mark=MARK", "content": "x"},
    "badmethod": {"method": "NO PE"},
}
REQUESTS = {key: {"method": "GET", "url": url} for key, url in GETS.items()} | {
    key: {"url": "/echo", **request} for key, request in OTHERS.items()
}


def to_target(request: dict[str, Any]) -> Callable[[Case], dict[str, Any]]:
    """Direct a request at the app itself, unless its URL is whole or none."""

    def given(c: Case) -> dict[str, Any]:
        url = request["url"].replace("MARK", c.id)
        is_path = "://" not in url and " " not in url
        return {**request, "url": f"{c.base}/api/target{url}" if is_path else url}

    return given


for _key, _request in REQUESTS.items():
    _is_whole = _key in ("echo", "poll", "refused", "404")
    simple(f"http_{_key}", "o_http", to_target(_request), 20, output=not _is_whole)
