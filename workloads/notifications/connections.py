"""HTTP connections that end when the deadline of their exchange passes."""

from typing import Any

import urllib3
from urllib3.connection import HTTPConnection, HTTPSConnection

from fanout.exchanges import Deadline, read_head


class _Watched(HTTPConnection):
    """A connection whose sockets the deadline knows."""

    def __init__(self, *given: Any, deadline: Deadline, **options: Any) -> None:
        super().__init__(*given, **options)
        self._deadline = deadline

    def _new_conn(self) -> Any:
        sock = super()._new_conn()
        # What TLS says first is one call of the system, and no socket of its own yet.
        sock.settimeout(self._deadline.remaining())
        return sock

    def connect(self) -> None:
        """Connect, and have the deadline end it."""
        super().connect()
        self._deadline.watch(self.sock)

    def getresponse(self) -> Any:
        """Read the head of an answer."""
        return read_head(super().getresponse)


class _WatchedTls(_Watched, HTTPSConnection):
    """The same over TLS."""


class _Pool(urllib3.HTTPConnectionPool):
    ConnectionCls = _Watched


class _TlsPool(urllib3.HTTPSConnectionPool):
    ConnectionCls = _WatchedTls


def open_pool(
    scheme: str, host: str, port: int | None, deadline: Deadline, **tls: Any
) -> urllib3.HTTPConnectionPool:
    """Make a pool of one connection, which is tried once.

    Args:
        scheme: ``http`` or ``https``.
        host: A name, or an address.
        port: The port; None is that of the scheme.
        deadline: The end of the exchange.
        tls: Further options, for TLS alone.
    """
    options: dict[str, Any] = {"timeout": deadline.remaining(), "retries": False, "maxsize": 1}
    if scheme == "http":
        return _Pool(host, port, deadline=deadline, **options)
    return _TlsPool(host, port, cert_reqs="CERT_REQUIRED", deadline=deadline, **options, **tls)
