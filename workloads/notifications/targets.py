"""Where a webhook may go: its name is resolved once, every address checked, and one connected to.

A webhook's URL comes with the data. It must not reach what only this app can reach: its own
machine, its network, and the metadata services that hand out the app's identity.
"""

import ipaddress
import re
import socket
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from urllib.parse import urlsplit

from fanout.errors import PermanentError, TransientError

PORTS = (80, 443, 8080, 8443)
Address = ipaddress.IPv4Address | ipaddress.IPv6Address
Resolver = Callable[[str, int], Iterable[str]]
_UNSAFE = re.compile(r"[^\x21-\x7e]|\\")
_HOST = re.compile(r"[A-Za-z0-9._-]+|[0-9A-Fa-f:.]+")
_UNICAST = ipaddress.IPv6Network("2000::/3")  # all that is handed out; the rest is special
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
        host: As the URL names it, for the `Host` header and the certificate.
        address: The checked IP address to connect to.
        path: With the query.
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
        usual = 443 if self.scheme == "https" else 80
        return host if self.port == usual else f"{host}:{self.port}"


def resolve(host: str, port: int) -> list[str]:
    """Ask the system's resolver.

    Raises:
        RefusedTargetError: There is no such name.
        TransientError: It cannot tell now.
    """
    try:
        found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    except socket.gaierror as error:
        if error.errno == socket.EAI_NONAME:
            raise RefusedTargetError(f"the webhook's host '{host}' does not exist") from error
        raise TransientError(f"the webhook's host '{host}' does not resolve: {error}") from error
    return [str(address[0]) for *_, address in found]


def checked(url: str, *, allow_private: bool = False, resolver: Resolver = resolve) -> Target:
    """Check a URL and choose the address to connect to.

    Args:
        url: From the recipient.
        allow_private: Let it go to any address and port.
        resolver: Gives the addresses of a name, or of a number in any of its forms.

    Raises:
        RefusedTargetError: It is malformed, or one of its addresses is not public.
    """
    scheme, host, port, path = _parts(url)
    if not allow_private and port not in PORTS:
        raise RefusedTargetError(f"a webhook's port is one of {', '.join(map(str, PORTS))}")
    addresses = [_address(text) for text in resolver(host, port)]
    if not addresses:
        raise RefusedTargetError(f"the webhook's host '{host}' has no address")
    if not allow_private and not all(is_public(address) for address in addresses):
        # The address itself stays unsaid: outcomes are no map of the network.
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


def _address(text: str) -> Address:
    try:
        return ipaddress.ip_address(text)
    except ValueError:
        raise RefusedTargetError("the webhook's host resolves to no IP address") from None


def _parts(url: str) -> tuple[str, str, int, str]:
    if _UNSAFE.search(url):
        raise RefusedTargetError("the webhook's URL has characters that belong encoded")
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError as error:
        raise RefusedTargetError(f"the webhook's URL is malformed: {error}") from None
    if parts.scheme not in ("http", "https"):
        raise RefusedTargetError("a webhook's URL begins with https:// or http://")
    if "@" in parts.netloc:
        raise RefusedTargetError("a webhook's URL carries no user name")
    host = parts.hostname or ""
    if not _HOST.fullmatch(host):
        raise RefusedTargetError("the webhook's URL names no host")
    path = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
    usual = 443 if parts.scheme == "https" else 80
    return parts.scheme, host, usual if port is None else port, path
