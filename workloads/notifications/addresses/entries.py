"""Entries of suppression lists, and the keys by which they and the addresses of items are compared.

An entry is a mail address, a whole domain (``example.org``, ``@example.org`` or ``*@example.org``,
without those below it), a phone number, or the URL of a webhook.
"""

import re
from dataclasses import dataclass
from urllib.parse import SplitResult, unquote, urlsplit

from fanout.printable import make_printable
from workloads.notifications.addresses.domains import DomainError, encode_domain
from workloads.notifications.addresses.mailboxes import parse_known_mailbox
from workloads.notifications.addresses.phones import parse_number

MAX_FAULTS = 10
_MAX_SHOWN_CHARACTERS = 60
_PLAIN_ADDRESS = re.compile(r"[A-Za-z0-9._+-]+@(?:[A-Za-z0-9-]{1,63}\.)+[A-Za-z]{2,63}")
_COMMENTED = re.compile(r'((?:"[^"]*"|[^"])*?)\s#.*', re.DOTALL)
# Marks that nobody sees, which spreadsheets and mail programs leave around what is copied.
_MARKS = "\ufeff\u200b\u200e\u200f\u202a\u202b\u202c\u202d\u202e\u2060\u2066\u2067\u2068\u2069"
# Percent-encoding of these makes no difference (RFC 3986, 2.3).
_NEEDLESS_CODES = re.compile("%(2[dDeE]|3[0-9]|[46][1-9a-fA-F]|[57][0-9aA]|5[fF]|7[eE])")
_USUAL_PORTS = {"http": 80, "https": 443}
_AT_SIGNS = str.maketrans({"\uff20": "@", "\ufe6b": "@"})


@dataclass(frozen=True)
class SuppressionList:
    """A list that was read.

    Attributes:
        keys: The keys of its entries.
        faults: The first entries that cannot be read, each with its line and why.
    """

    keys: frozenset[str]
    faults: tuple[str, ...] = ()


def parse_list(text: str) -> SuppressionList:
    """Parse a list: an entry a line; empty lines and comments do not count."""
    keys: set[str] = set()
    faults: list[str] = []
    for number, line in enumerate(text.splitlines(), start=1):
        entry = _strip(line)
        if not entry or entry.startswith("#"):
            continue
        try:
            keys.add(parse_entry(entry))
        except ValueError as error:
            faults.append(f"line {number}: '{_show(entry)}': {error}")
            if len(faults) == MAX_FAULTS:
                break
    return SuppressionList(frozenset(keys), tuple(faults))


def parse_entry(text: str) -> str:
    """The key of an entry.

    Raises:
        ValueError: It is no address of any channel, and no domain.
    """
    entry = _strip(text)
    if _PLAIN_ADDRESS.fullmatch(entry):
        return entry.lower()
    entry = _strip(_COMMENTED.sub(r"\1", entry.translate(_AT_SIGNS)))
    if "://" in entry:
        return _read_url(entry)
    if entry.lower().startswith("mailto:"):
        entry = unquote(entry.partition(":")[2].partition("?")[0], errors="strict")
    if entry.endswith(">"):  # "Ada Lovelace" <ada@example.org>
        entry = _strip(entry[:-1].rpartition("<")[2])
    entry = re.sub(r"^\*@", "@", entry)
    if "@" in entry[1:]:
        return parse_known_mailbox(entry).key
    if entry[:1] in ("+", "\uff0b") or entry.lower().startswith("tel:"):
        return parse_number(re.sub("^tel:", "", entry, flags=re.IGNORECASE))
    return f"@{_whole_domain(entry)}"


def _whole_domain(entry: str) -> str:
    try:
        domain = encode_domain(entry.removeprefix("@"))
    except DomainError:
        domain = ""
    last = domain.rpartition(".")[2]
    if "." not in domain or last.isdecimal():
        raise ValueError("it is no mail address, domain, phone number or URL")
    return domain


def keys_of_address(address: str) -> set[str]:
    """The keys by which an address may be suppressed: its own, and its domain's."""
    if "://" in address:
        return _keys_of_url(address)
    if "@" in address:
        mailbox = parse_known_mailbox(address)
        return {mailbox.key, f"@{mailbox.compared_domain}"}
    return {parse_number(address)}


def _read_url(url: str) -> str:
    """The key of a URL to which a webhook may go."""
    try:
        parts = urlsplit(url)
        key, host = _key_of_parts(parts), _host_of(parts)
    except ValueError as error:
        raise ValueError(f"it is no URL: {error}") from None
    if parts.scheme not in _USUAL_PORTS or not host:
        raise ValueError("it is no URL that begins with https:// or http:// and a host")
    return key


def _keys_of_url(url: str) -> set[str]:
    """The keys of a recipient's URL; one that is malformed is refused later, and has its own."""
    try:
        parts = urlsplit(url)
        return {_key_of_parts(parts), f"@{_host_of(parts)}"}
    except ValueError:
        return {url.casefold()}


def _key_of_parts(parts: SplitResult) -> str:
    """A URL with its host in one form, and without what makes no difference: case, usual ports."""
    is_usual = parts.port in (None, _USUAL_PORTS.get(parts.scheme))
    place = _host_of(parts) + ("" if is_usual else f":{parts.port}")
    query = f"?{parts.query}" if parts.query else ""
    path = _NEEDLESS_CODES.sub(lambda code: unquote(code[0]), f"{parts.path or '/'}{query}")
    return f"{parts.scheme}://{place}{path}".casefold()


def _host_of(parts: SplitResult) -> str:
    host = parts.hostname or ""
    return encode_domain(host) if host and ":" not in host else host


def _strip(text: str) -> str:
    """Remove what nobody sees from both ends."""
    stripped = text.strip()
    while stripped != (bare := stripped.strip(_MARKS).strip()):
        stripped = bare
    return stripped


def _show(entry: str) -> str:
    return make_printable(entry[:_MAX_SHOWN_CHARACTERS])
