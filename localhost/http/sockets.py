"""The host's sockets: opened before anything slow starts, so that a busy port is found first."""

import asyncio
import contextlib
import errno
import socket
from collections.abc import Sequence

LOOPBACK = ("127.0.0.1", "::1")
BACKLOG = 128
# A connection that was taken gets its transport, then its protocol, then is read.
TURNS_OF_A_CONNECTION = 3


class PortError(Exception):
    """A port cannot be listened on; the message says why and what to do."""


def listen(address: str | None, port: int) -> list[socket.socket]:
    """Listen on an address, or on both loopback addresses; port 0 means any free one.

    Raises:
        PortError: The port is in use, or the address is not this machine's.
    """
    if address is not None:
        return [_listen_or_explain(address, port)]
    first = _listen_or_explain(LOOPBACK[0], port)
    port = port_of(first)
    try:
        return [first, _listen(LOOPBACK[1], port)]
    except OSError as error:
        if error.errno == errno.EADDRINUSE:
            first.close()
            raise _busy_port_error(port) from error
        return [first]  # a machine without IPv6


def listen_preferably(port: int) -> socket.socket:
    """Listen on this port of the IPv4 loopback address, or on any free one if it is taken."""
    with contextlib.suppress(OSError):
        return _listen(LOOPBACK[0], port)
    return _listen(LOOPBACK[0], 0)


async def stop_accepting(listeners: Sequence[socket.socket]) -> None:
    """Take no more connections, and let those that were taken in this moment reach their server.

    A server of asyncio that closes just after it took a connection forgets it: its caller would
    wait for ever. https://github.com/python/cpython/issues/109564
    """
    for listener in listeners:
        asyncio.get_running_loop().remove_reader(listener)
    for _ in range(TURNS_OF_A_CONNECTION):
        await asyncio.sleep(0)


def port_of(listener: socket.socket) -> int:
    """The port of a listening socket."""
    return int(listener.getsockname()[1])


def _listen_or_explain(address: str, port: int) -> socket.socket:
    try:
        return _listen(address, port)
    except OSError as error:
        if error.errno == errno.EADDRINUSE:
            raise _busy_port_error(port) from error
        raise PortError(f"Cannot listen on {address}, port {port}: {error.strerror}.") from error


def _busy_port_error(port: int) -> PortError:
    return PortError(
        f"Port {port} is unavailable. Close the process using that port, or specify another port "
        "using --port."
    )


def _listen(address: str, port: int) -> socket.socket:
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    listener = socket.socket(family, socket.SOCK_STREAM)
    try:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        if family == socket.AF_INET6:
            listener.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
        listener.bind((address, port))
        listener.listen(BACKLOG)
    except OSError:
        listener.close()
        raise
    return listener
