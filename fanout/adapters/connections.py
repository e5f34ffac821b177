"""Connections on which no exchange takes longer than it may: of storage, and of telemetry.

The timeout of a socket is for one call of the system: a service that sends a byte now and then is
never late for it. So a thread shuts the connection of an exchange down once that has taken too
long, and whoever waits for it hears that the connection has ended.
"""

import http.client
import socket
import threading
from contextlib import suppress
from functools import lru_cache
from time import monotonic, sleep
from typing import Any

import requests
from requests.adapters import DEFAULT_POOLSIZE, HTTPAdapter
from urllib3 import HTTPConnectionPool, HTTPSConnectionPool, Retry
from urllib3.connection import HTTPConnection, HTTPSConnection

from fanout.adapters.patience import Patience, current_patience

# A request with its answer; the largest take 64 MiB, and the service itself gives up most others
# after half a minute.
# Source: https://learn.microsoft.com/rest/api/storageservices/setting-timeouts-for-blob-service-operations
MAX_EXCHANGE_SECONDS = 120.0
# How late an exchange may be ended.
LOOK_SECONDS = 0.25
_ENDS = (b"\r\n", b"\n")


class Watch:
    """The exchanges under way, and a thread that ends those that are late."""

    def __init__(self) -> None:
        self._exchanges: dict[socket.socket, tuple[float, Patience, float]] = {}
        # The collector may close a connection that nobody has any more, in a thread that is here.
        self._lock = threading.RLock()
        self._has_some = threading.Event()
        threading.Thread(target=self._run, name="exchanges", daemon=True).start()

    def begin(self, sock: socket.socket, patience: Patience) -> None:
        """Shut a socket down if an exchange does not end in time.

        Raises:
            PatienceError: There is no time for it.
        """
        seconds = min(MAX_EXCHANGE_SECONDS, patience.remaining())
        with self._lock:
            self._exchanges[sock] = (monotonic() + seconds, patience, seconds)
        if not self._has_some.is_set():
            self._has_some.set()

    def end(self, sock: socket.socket | None) -> None:
        """Take note that an exchange has ended; one that is not under way is no fault."""
        if sock is not None:
            with self._lock:
                self._exchanges.pop(sock, None)

    def _run(self) -> None:
        while True:
            self._has_some.wait()
            sleep(LOOK_SECONDS)
            self._end_late()

    def _end_late(self) -> None:
        now = monotonic()
        with self._lock:
            for sock, (end, patience, seconds) in [*self._exchanges.items()]:
                if end <= now and self._exchanges.pop(sock, None) is not None:
                    patience.spend(seconds)
                    _shut_down(sock)
            if not self._exchanges:
                self._has_some.clear()


def _shut_down(sock: socket.socket) -> None:
    with suppress(OSError):  # the other side was faster
        # Not that of a TLS socket, which takes the state from under who reads.
        socket.socket.shutdown(sock, socket.SHUT_RDWR)


@lru_cache(maxsize=1)
def _watch() -> Watch:
    return Watch()


class _Lines:
    """The lines of the head of an answer; the last one stays known."""

    def __init__(self, file: Any) -> None:
        self._file = file
        self.last = b""

    def readline(self, *given: Any) -> bytes:
        self.last = self._file.readline(*given)
        return self.last


class _Answer(http.client.HTTPResponse):
    """An answer whose head is whole; the standard library takes one that is cut off as well.

    What is missing then may be what the answer says. An empty line ends a head (RFC 9112, 2.1).
    """

    def begin(self) -> None:
        file = self.fp
        lines = _Lines(file)
        self.fp = lines  # type: ignore[assignment]  # it has all that is asked of it here
        try:
            super().begin()
        finally:
            self.fp = file
        if lines.last not in _ENDS:
            raise http.client.IncompleteRead(lines.last)


class _Connection(HTTPConnection):
    """A connection whose exchanges are watched; those of the pool end when it is put back."""

    response_class = _Answer
    _is_answered = True
    _watched: socket.socket | None = None

    def connect(self) -> None:
        super().connect()
        self._watched = self.sock
        _watch().begin(self.sock, current_patience())

    def request(self, *given: Any, **options: Any) -> None:
        if self.sock is not None:  # otherwise it connects first
            _watch().begin(self.sock, current_patience())
        super().request(*given, **options)

    def getresponse(self) -> Any:
        # Behind an answer that is the last one the connection is closed before the body is read.
        self._is_answered = False
        try:
            return super().getresponse()
        finally:
            self._is_answered = True

    def close(self) -> None:
        if self._is_answered:
            self.end_exchange()
        super().close()

    def end_exchange(self) -> None:
        """Watch the exchange no longer."""
        _watch().end(self._watched)


class _TlsConnection(_Connection, HTTPSConnection):
    """The same over TLS."""


class _Pool(HTTPConnectionPool):
    ConnectionCls = _Connection

    def _put_conn(self, conn: Any) -> None:
        if conn is not None:
            conn.end_exchange()
        super()._put_conn(conn)


class _TlsPool(_Pool, HTTPSConnectionPool):
    ConnectionCls = _TlsConnection


class WatchedAdapter(HTTPAdapter):
    """What opens such connections for the sessions of `requests`."""

    def init_poolmanager(self, *given: Any, **options: Any) -> None:
        """Make the pools of connections."""
        super().init_poolmanager(*given, **options)
        self._watch_connections_of(self.poolmanager)

    def proxy_manager_for(self, proxy: str, **options: Any) -> Any:
        """The pools of connections through a proxy."""
        manager = super().proxy_manager_for(proxy, **options)
        self._watch_connections_of(manager)
        return manager

    @staticmethod
    def _watch_connections_of(manager: Any) -> None:
        manager.pool_classes_by_scheme = {"http": _Pool, "https": _TlsPool}


def watched_session() -> requests.Session:
    """Make a session of `requests` that tries each request once, in the time that it may take."""
    session = requests.Session()
    mount_watched(session)
    return session


def mount_watched(session: requests.Session, pool_size: int = DEFAULT_POOLSIZE) -> None:
    """Have a session send its requests over such connections."""
    no_retries = Retry(total=False, redirect=False, raise_on_status=False)
    for scheme in ("http://", "https://"):
        session.mount(scheme, WatchedAdapter(pool_maxsize=pool_size, max_retries=no_retries))
