"""A host as its callers see it: over HTTP."""

import contextlib
import http.client
import json
import socket
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

REQUEST_SECONDS = 60
TIMER_INPUT = {"input": ""}


@dataclass(frozen=True)
class Answer:
    """An HTTP answer; header names are lower-case, repeated ones are kept."""

    status: int
    headers: list[tuple[str, str]]
    body: bytes

    @property
    def json(self) -> Any:
        """The body parsed."""
        return json.loads(self.body)

    def all(self, name: str) -> list[str]:
        """Every value of a header."""
        return [value for known, value in self.headers if known == name]

    def header(self, name: str) -> str | None:
        """The first value of a header."""
        return next(iter(self.all(name)), None)


class Host:
    """A host that answers at an address."""

    def __init__(self, name: str, port: int) -> None:
        self.name = name
        self.port = port

    @property
    def origin(self) -> str:
        """Where it answers, as a URL without a path."""
        return f"http://{self.name}:{self.port}"

    @property
    def log(self) -> str:
        """What it has written, as far as that can be read from here."""
        return ""

    @property
    def credentials(self) -> Mapping[str, str]:
        """The headers that open it."""
        return {}

    @property
    def anonymous(self) -> "Host":
        """It, for somebody who has nothing that opens it."""
        return self

    def connect(self) -> socket.socket:
        """Open a connection for bytes of one's own making."""
        return socket.create_connection((self.name, self.port), REQUEST_SECONDS)

    def request(
        self,
        method: str,
        path: str,
        body: bytes | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> Answer:
        """Send a request over a connection of its own."""
        with contextlib.closing(self._connection()) as connection:
            connection.request(method, path, body, {**self.credentials, **(headers or {})})
            response = connection.getresponse()
            pairs = [(name.lower(), value) for name, value in response.getheaders()]
            return Answer(response.status, pairs, response.read())

    def get(self, path: str, **headers: str) -> Answer:
        """GET."""
        return self.request("GET", path, headers=headers)

    def post(self, path: str, body: Any) -> Answer:
        """POST, as JSON."""
        headers = {"Content-Type": "application/json"}
        return self.request("POST", path, json.dumps(body).encode(), headers)

    def run_timer(self, function: str) -> int:
        """Run a timer by hand, and return the status of the answer."""
        return self.post(f"/admin/functions/{function}", TIMER_INPUT).status

    def _connection(self) -> http.client.HTTPConnection:
        return http.client.HTTPConnection(self.name, self.port, timeout=REQUEST_SECONDS)
