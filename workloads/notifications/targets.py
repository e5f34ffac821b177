"""Where a webhook may go: resolve its host once, check every address, connect to one of them.

A webhook's URL comes with the data. It must not reach what only this app can reach: its own
machine, its network, and the metadata services that hand out the app's identity.
"""

import ipaddress
import re
import socket
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from functools import partial
from typing import Any
from urllib.parse import urlsplit

from fanout.errors import PermanentError, TransientError
from fanout.exchanges import Deadline, DeadlineError
from workloads.notifications.addresses.domains import DomainError, encode_domain

RESOLVER_SECONDS = 10.0
PORTS = (80, 443, 8080, 8443)
Address = ipaddress.IPv4Address | ipaddress.IPv6Address
Resolver = Callable[[str, int], Iterable[str]]
_UNSAFE = re.compile(r"[^\x21-\x7e]|\\")
_UNSAFE_HOST = re.compile(r"[\x00-\x20\x7f\\%]")
_IPV6 = re.compile(r"[0-9A-Fa-f:.]+")
_UNICAST = ipaddress.IPv6Network("2000::/3")  # all that is assigned; the rest is special
_REFUSED = (
    # Azure's own address of the host, reachable from every VM and in no private range:
    # https://learn.microsoft.com/azure/virtual-network/what-is-ip-address-168-63-129-16
    ipaddress.IPv4Network("168.63.129.16/32"),
    ipaddress.IPv4Network("192.0.0.0/24"),  # RFC 6890: for protocols, and metadata elsewhere
    # 6to4 and Teredo carry an IPv4 address inside, and nobody serves webhooks over them.
    ipaddress.IPv6Network("2002::/16"),
    ipaddress.IPv6Network("2001::/32"),
)


class RefusedTargetError(PermanentError):
    """The URL leads where no webhook may go."""


@dataclass(frozen=True)
class Target:
    """A checked URL.

    Attributes:
        host: The URL's, in A-labels, for the `Host` header and the certificate.
        address: The checked IP address to connect to.
        path: Path and query.
    """

    scheme: str
    host: str
    port: int
    address: str
    path: str

    @property
    def host_header(self) -> str:
        """The authority, with the port where it is not the scheme's own."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return host if self.port == _default_port(self.scheme) else f"{host}:{self.port}"


def resolve(host: str, port: int, timeout_seconds: float = RESOLVER_SECONDS) -> list[str]:
    """Resolve a host with the resolver of the system.

    Raises:
        RefusedTargetError: There is no such name.
        TransientError: The resolver cannot answer now, or not in time.
    """
    try:
        records = _look_up(host, port, timeout_seconds)
    except DeadlineError as error:
        fault = f"the webhook's host '{host}' does not resolve: {error}"
        raise TransientError(fault) from error
    except socket.gaierror as error:
        if error.errno == socket.EAI_NONAME:
            raise RefusedTargetError(f"the webhook's host '{host}' does not exist") from error
        raise TransientError(f"the webhook's host '{host}' does not resolve: {error}") from error
    return [str(address[0]) for *_, address in records]


def _look_up(host: str, port: int, timeout_seconds: float) -> list[Any]:
    """Ask the resolver; what is a number in any form it knows by itself."""
    try:
        return socket.getaddrinfo(host, port, type=socket.SOCK_STREAM, flags=socket.AI_NUMERICHOST)
    except socket.gaierror:
        pass
    look_up = partial(socket.getaddrinfo, host, port, type=socket.SOCK_STREAM)
    return Deadline(timeout_seconds).call(look_up)


def resolve_target(
    url: str, *, allow_private: bool = False, resolver: Resolver = resolve
) -> Target:
    """Resolve and check a URL; choose the address to connect to.

    Args:
        url: The recipient's URL.
        allow_private: Whether any address and port is allowed.
        resolver: Returns the addresses of a name, or of a number in any of its forms.

    Raises:
        RefusedTargetError: It is malformed, or one of its addresses is not public.
    """
    scheme, host, port, path = _parse_url(url)
    if not allow_private and port not in PORTS:
        raise RefusedTargetError(f"a webhook's port is one of {', '.join(map(str, PORTS))}")
    addresses = [_parse_address(text) for text in resolver(host, port)]
    if not addresses:
        raise RefusedTargetError(f"the webhook's host '{host}' has no address")
    if not allow_private and not all(is_public(address) for address in addresses):
        # The message does not name the address: it would tell an attacker about the network.
        raise RefusedTargetError(f"the webhook's host '{host}' is not on the public internet")
    return Target(scheme, host, port, str(addresses[0]), path)


def is_public(address: Address) -> bool:
    """Tell whether an address is on the public internet; of a mapped one, the IPv4 inside."""
    if isinstance(address, ipaddress.IPv6Address):
        if address.ipv4_mapped is not None:
            return address.scope_id is None and is_public(address.ipv4_mapped)
        if address not in _UNICAST:
            return False
    is_special = address.is_multicast or address.is_reserved or address.is_private
    is_refused = any(address in network for network in _REFUSED)
    return address.is_global and not is_special and not is_refused


def _parse_address(text: str) -> Address:
    try:
        return ipaddress.ip_address(text)
    except ValueError:
        raise RefusedTargetError("the webhook's host resolves to no IP address") from None


def _parse_url(url: str) -> tuple[str, str, int, str]:
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError as error:
        raise RefusedTargetError(f"the webhook's URL is malformed: {error}") from None
    if _UNSAFE.search(url.replace(parts.netloc, "", 1)) or _UNSAFE_HOST.search(parts.netloc):
        raise RefusedTargetError("the webhook's URL has characters that belong encoded")
    if parts.scheme not in ("http", "https"):
        raise RefusedTargetError("a webhook's URL begins with https:// or http://")
    if "@" in parts.netloc:
        raise RefusedTargetError("a webhook's URL carries no user name")
    host = _parse_host(parts.hostname or "")
    path = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
    return parts.scheme, host, _default_port(parts.scheme) if port is None else port, path


def _parse_host(host: str) -> str:
    """The host as it is resolved, checked, asked for and sought in the certificate."""
    if ":" in host and _IPV6.fullmatch(host):
        return host
    try:
        return encode_domain(host)
    except DomainError as error:
        raise RefusedTargetError(f"the webhook's URL names no host: {error}") from None


def _default_port(scheme: str) -> int:
    return 443 if scheme == "https" else 80
