"""A copy of the app that runs already, wherever: by HTTP or HTTPS, with the key that opens it."""

import http.client
import socket
import ssl
from collections.abc import Mapping
from urllib.parse import urlsplit

from rig.web import REQUEST_SECONDS, Host

KEY_HEADER = "x-functions-key"
LOCAL_NAMES = frozenset({"localhost", "127.0.0.1", "::1"})


PROBE = "probe"
UNAUTHORIZED = 401


class LiveHost(Host):
    """A host at a URL.

    Args:
        url: Its scheme, name and port.
        key: A function key; each call that brings none of its own takes it.
    """

    def __init__(self, url: str, key: str = "") -> None:
        parts = urlsplit(url)
        self._is_secure = parts.scheme == "https"
        super().__init__(parts.hostname or "", parts.port or (443 if self._is_secure else 80))
        self._url, self._key = url.rstrip("/"), key

    @property
    def origin(self) -> str:
        """Where it answers, as it was named."""
        return self._url

    @property
    def is_local(self) -> bool:
        """Whether it runs on this machine, and so sees its files and ports."""
        return self.name in LOCAL_NAMES

    @property
    def credentials(self) -> Mapping[str, str]:
        """The key, as a header."""
        return {KEY_HEADER: self._key} if self._key else {}

    @property
    def anonymous(self) -> Host:
        """It, without the key."""
        return LiveHost(self._url)

    def connect(self) -> socket.socket:
        """Open a connection for bytes of one's own making."""
        plain = super().connect()
        if not self._is_secure:
            return plain
        return ssl.create_default_context().wrap_socket(plain, server_hostname=self.name)

    def find_fault(self) -> str | None:
        """Why no tests can run against it, if so."""
        try:
            answer = self.get("/api/workloads")
        except (OSError, http.client.HTTPException) as error:
            return f"nobody answers at {self._url}: {error}"
        if answer.status == UNAUTHORIZED:
            what = "refuses this key" if self._key else "asks for a key"
            return f"{self._url} {what}: KEY=... make live URL=... (docs/how-to/core-tools.md)"
        if answer.status != 200 or PROBE.encode() not in answer.body:
            return (
                f"{self._url} answers {answer.status} and has no workload '{PROBE}': it is not the "
                "app of the tests (.ci/probe-app, docs/how-to/core-tools.md)"
            )
        return None

    def _connection(self) -> http.client.HTTPConnection:
        if not self._is_secure:
            return super()._connection()
        return http.client.HTTPSConnection(self.name, self.port, timeout=REQUEST_SECONDS)
