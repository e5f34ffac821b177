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
from urllib.parse import urlsplit

import requests
from requests.adapters import DEFAULT_POOLSIZE, HTTPAdapter
from urllib3 import HTTPConnectionPool, HTTPSConnectionPool, Retry
from urllib3.connection import HTTPConnection, HTTPSConnection

from fanout.adapters.patience import Patience, PatienceError, current_patience
from fanout.exchanges import read_head

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
        """Shut a socket down if an exchange does not end in time; one under way keeps its end.

        Raises:
            PatienceError: There is no time for it.
        """
        seconds = min(MAX_EXCHANGE_SECONDS, patience.remaining())
        with self._lock:
            self._exchanges.setdefault(sock, (monotonic() + seconds, patience, seconds))
        if not self._has_some.is_set():
            self._has_some.set()

    def pass_on(self, sock: socket.socket, successor: socket.socket) -> None:
        """Watch another socket for the exchange of one, which has been given to it."""
        with self._lock:
            if (exchange := self._exchanges.pop(sock, None)) is not None:
                self._exchanges[successor] = exchange

    def has(self, sock: socket.socket) -> bool:
        """Whether an exchange is under way, and not late."""
        with self._lock:
            return sock in self._exchanges

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


def _socket_of(sock: Any) -> socket.socket:
    """The socket itself, where TLS is spoken within the TLS of a proxy."""
    inner: socket.socket = getattr(sock, "socket", sock)
    return inner


class _Lines:
    """The file of an answer while its head is read; the last line stays known."""

    def __init__(self, file: Any) -> None:
        self._file = file
        self.last = b""

    def readline(self, *given: Any) -> bytes:
        self.last = self._file.readline(*given)
        return self.last

    def __getattr__(self, name: str) -> Any:
        # What is no status line closes the file.
        return getattr(self._file, name)


class _Answer(http.client.HTTPResponse):
    """An answer whose head is whole; the standard library takes one that is cut off as well.

    What is missing then may be what the answer says. An empty line ends a head (RFC 9112, 2.1).
    """

    def begin(self) -> None:
        file = self.fp
        lines = _Lines(file)
        self.fp = lines  # type: ignore[assignment]  # it has all that the file has
        try:
            super().begin()
        finally:
            if self.fp is not None:  # otherwise it is closed
                self.fp = file
        if lines.last not in _ENDS:
            raise http.client.IncompleteRead(lines.last)


class _Connection(HTTPConnection):
    """A connection whose exchanges are watched; those of the pool end when it is put back.

    The first one begins when it is connected, with what a proxy says of a tunnel. Only a handshake
    of TLS is not watched: it is one call, for which the timeout of the socket holds as a whole.
    """

    response_class = _Answer
    _is_answered = True
    _watched: socket.socket | None = None

    def _new_conn(self) -> socket.socket:
        sock = super()._new_conn()
        try:
            _watch().begin(sock, current_patience())
        except PatienceError:
            sock.close()
            raise
        self._watched = sock
        return sock

    def _tunnel(self) -> None:
        self._watch_on()  # a proxy may be spoken to over TLS
        super()._tunnel()
        # To the library, an answer that is cut off is one; TLS would begin without a connection.
        if self._watched is not None and not _watch().has(self._watched):
            raise ConnectionAbortedError("the proxy has not made a tunnel in time")

    def connect(self) -> None:
        super().connect()
        self._watch_on()

    def _watch_on(self) -> None:
        """Watch the socket with which the exchange goes on: TLS makes another one of it."""
        before, self._watched = self._watched, _socket_of(self.sock)
        if before is not None:
            _watch().pass_on(before, self._watched)

    def request(self, *given: Any, **options: Any) -> None:
        if self.sock is not None:  # otherwise it connects first
            _watch().begin(_socket_of(self.sock), current_patience())
        super().request(*given, **options)

    def getresponse(self) -> Any:
        # Behind an answer that is the last one the connection is closed before the body is read.
        self._is_answered = False
        try:
            return read_head(super().getresponse)
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


def _is_address(location: str) -> bool:
    """Tell whether `requests` can read where an answer leads; it raises whatever it meets."""
    try:
        _ = urlsplit(location.encode("latin-1").decode()).port
    except ValueError:
        return False
    return True


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

    def build_response(self, req: Any, resp: Any) -> requests.Response:
        """Make the answer of a session.

        Raises:
            requests.ConnectionError: It leads to what is no address.
        """
        response = super().build_response(req, resp)
        if response.is_redirect and not _is_address(response.headers["location"]):
            response.close()
            raise requests.ConnectionError("the answer leads to what is no address", request=req)
        return response

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
