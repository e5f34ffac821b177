"""Sessions of `requests` whose exchanges have deadlines, whatever the other side does to them.

A timeout of `requests` is for one call of the system: a side that sends a byte now and then, or
one informational answer (RFC 9110, 15.2) after the other, is never late. So each connection knows
when its exchange must have ended, and one thread shuts down those that have not.
"""

import socket
import threading
from contextlib import suppress
from functools import lru_cache
from time import monotonic, sleep
from typing import Any
from weakref import WeakSet

import requests
from requests.adapters import HTTPAdapter
from urllib3 import HTTPConnectionPool, HTTPResponse, HTTPSConnectionPool, PoolManager, Retry
from urllib3.connection import HTTPConnection, HTTPSConnection

# The largest thing that is read or written at a time is 8 MiB.
EXCHANGE_SECONDS = 90.0
LOOK_SECONDS = 1.0
# What is read of a socket at a time, as azure-core has it.
_BLOCK_BYTES = 32_768


class _Connection(HTTPConnection):
    """A connection whose exchange ends in time.

    Attributes:
        ends_at: When that must be, by the monotonic clock; None while there is none.
    """

    def __init__(self, *given: Any, **options: Any) -> None:
        super().__init__(*given, **options)
        self.ends_at: float | None = None
        self._open_sock: socket.socket | None = None
        _watcher().add(self)

    def connect(self) -> None:
        """Connect."""
        super().connect()
        self._open_sock = self.sock

    def request(self, *given: Any, **options: Any) -> None:
        """Begin an exchange."""
        self.ends_at = monotonic() + EXCHANGE_SECONDS
        super().request(*given, **options)

    def getresponse(self) -> HTTPResponse:  # type: ignore[override]  # as urllib3 has it
        """Read the beginning of the answer.

        Raises:
            TimeoutError: Headers that are cut off look as though they were all.
        """
        ends_at = self.ends_at
        response = super().getresponse()
        if ends_at is not None and monotonic() >= ends_at:
            response.close()
            raise TimeoutError(f"the exchange took longer than {EXCHANGE_SECONDS:g} s")
        return response

    @property
    def is_late(self) -> bool:
        """Whether its exchange has taken longer than it may."""
        ends_at = self.ends_at
        return ends_at is not None and monotonic() >= ends_at

    def shut_down(self) -> None:
        """Have whoever waits for the other side hear that the connection has ended."""
        # Not `sock`: that is gone where the answer is the last, which is read all the same.
        sock = self._open_sock
        if sock is not None:
            with suppress(OSError):  # the other side was faster
                # Not that of a TLS socket, which takes the state from under who reads.
                socket.socket.shutdown(sock, socket.SHUT_RDWR)


class _TlsConnection(_Connection, HTTPSConnection):
    """The same over TLS."""


class _Pool(HTTPConnectionPool):
    ConnectionCls = _Connection

    def _put_conn(self, conn: Any) -> None:
        if conn is not None:
            conn.ends_at = None
        super()._put_conn(conn)


class _TlsPool(_Pool, HTTPSConnectionPool):
    ConnectionCls = _TlsConnection


_POOLS = {"http": _Pool, "https": _TlsPool}


class BoundedAdapter(HTTPAdapter):
    """Sends requests over connections whose exchanges end in time."""

    def init_poolmanager(
        self, connections: int, maxsize: int, block: bool = False, **options: Any
    ) -> None:
        """See `requests.adapters.HTTPAdapter`."""
        options = {"blocksize": _BLOCK_BYTES, **options}
        self.poolmanager = PoolManager(
            num_pools=connections, maxsize=maxsize, block=block, **options
        )
        self.poolmanager.pool_classes_by_scheme = _POOLS

    def proxy_manager_for(self, proxy: str, **options: Any) -> Any:
        """See `requests.adapters.HTTPAdapter`."""
        manager = super().proxy_manager_for(proxy, **options)
        manager.pool_classes_by_scheme = _POOLS
        return manager


def bounded_session() -> requests.Session:
    """Make a session that tries each request once, in the time that an exchange may take."""
    session = requests.Session()
    adapter = BoundedAdapter(max_retries=Retry(total=False, redirect=False, raise_on_status=False))
    for scheme in _POOLS:
        session.mount(f"{scheme}://", adapter)
    return session


class _Watcher:
    """A thread that looks at all connections, and shuts down those whose exchange is late."""

    def __init__(self) -> None:
        self._connections: WeakSet[_Connection] = WeakSet()
        self._lock = threading.Lock()
        threading.Thread(target=self._run, name="exchanges", daemon=True).start()

    def add(self, connection: _Connection) -> None:
        """Look at a connection from now on."""
        with self._lock:
            self._connections.add(connection)

    def _run(self) -> None:
        while True:
            sleep(LOOK_SECONDS)
            self._look()

    def _look(self) -> None:
        with self._lock:
            late = [connection for connection in self._connections if connection.is_late]
        for connection in late:
            connection.shut_down()


@lru_cache(maxsize=1)
def _watcher() -> _Watcher:
    return _Watcher()
