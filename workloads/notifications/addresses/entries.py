"""Entries of suppression lists, and the keys by which they and the addresses of items are compared.

An entry is a mail address, a whole domain (``example.org`` or ``@example.org``, without those below
it), a phone number, or the URL of a webhook.
"""

import re
from dataclasses import dataclass
from urllib.parse import urlsplit

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
        return _url_key(entry)
    if entry.endswith(">"):  # "Ada Lovelace" <ada@example.org>
        entry = _strip(entry[:-1].rpartition("<")[2])
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
        return {_url_key(address), f"@{_host_of(address)}"}
    if "@" in address:
        mailbox = parse_known_mailbox(address)
        return {mailbox.key, f"@{mailbox.compared_domain}"}
    return {parse_number(address)}


def _url_key(url: str) -> str:
    """A URL with its host in one form, and without what makes no difference: case, usual ports."""
    try:
        parts = urlsplit(url)
        port, scheme = parts.port, parts.scheme.lower()
    except ValueError:
        return url.casefold()
    usual = {"http": 80, "https": 443}.get(scheme)
    place = _host_of(url) + ("" if port in (None, usual) else f":{port}")
    query = f"?{parts.query}" if parts.query else ""
    return f"{scheme}://{place}{parts.path or '/'}{query}".casefold()


def _host_of(url: str) -> str:
    try:
        host = urlsplit(url).hostname or ""
        return encode_domain(host) if ":" not in host else host
    except ValueError:
        return ""


def _strip(text: str) -> str:
    """Remove what nobody sees from both ends."""
    stripped = text.strip()
    while stripped != (bare := stripped.strip(_MARKS).strip()):
        stripped = bare
    return stripped


def _show(entry: str) -> str:
    return make_printable(entry[:_MAX_SHOWN_CHARACTERS])
