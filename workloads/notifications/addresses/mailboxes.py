"""Mail addresses, in the form in which mail is sent to them and in that in which they are compared.

On the way, the part before the @ belongs to the server behind it, and is left as it is (RFC 5321,
2.4). To be compared, it has no case: no known server tells ``Jo@`` from ``jo@``, and who has asked
for no mail gets none.
"""

import re
import unicodedata
from dataclasses import dataclass

from workloads.notifications.addresses.domains import DomainError, encode_domain

_ATOM = r"[^\x00-\x20\x7f()<>\[\]:;@\\,.\"]+"
_DOT_ATOM = re.compile(rf"{_ATOM}(?:\.{_ATOM})*")
_QUOTED = re.compile(r'"((?:[^"\\\x00-\x1f\x7f]|\\[\x20-\x7e])*)"')
# Letters of some scripts need these two, which nobody sees.
_JOINERS = "\u200c\u200d"
_HIDDEN_CATEGORIES = {"Cc", "Cf", "Cs", "Cn", "Zl", "Zp", "Zs"}


class MailboxError(ValueError):
    """A text is no mail address."""


@dataclass(frozen=True)
class Mailbox:
    """A mail address.

    Attributes:
        local: The part before the @, without the quotes that it may stand in; in NFC.
        domain: As it was written, if it is ASCII, else in A-labels, which every server knows.
    """

    local: str
    domain: str

    @property
    def text(self) -> str:
        """The address as a mail server takes it."""
        return f"{self.local}@{self.domain}"

    @property
    def needs_smtputf8(self) -> bool:
        """Whether only servers with SMTPUTF8 (RFC 6531) can take mail for it."""
        return not self.local.isascii()

    @property
    def key(self) -> str:
        """The form in which addresses are compared."""
        folded = unicodedata.normalize("NFC", self.local.casefold())
        return f"{folded}@{self.compared_domain}"

    @property
    def compared_domain(self) -> str:
        """The form in which domains are compared."""
        is_literal = self.domain.startswith("[")
        return self.domain.lower() if is_literal else encode_domain(self.domain)


def parse_mailbox(text: str) -> Mailbox:
    """Read ``local@domain``, to send mail there.

    Raises:
        MailboxError: It is none, is quoted, or hides a character that nobody sees.
    """
    local, _, domain = text.rpartition("@")
    if not _DOT_ATOM.fullmatch(local) or not domain:
        raise MailboxError("it is no mail address of the form name@domain.tld")
    _refuse_hidden(local)
    encoded = _encode(domain)
    if "." not in encoded:
        raise MailboxError("it is no mail address of the form name@domain.tld")
    return Mailbox(unicodedata.normalize("NFC", local), encoded)


def parse_known_mailbox(text: str) -> Mailbox:
    """Read an address of a list, which may be quoted, or be of forms that we send nothing to.

    Raises:
        MailboxError: It is no address, or hides a character that nobody sees, as none that we send
            to does.
    """
    local, _, domain = text.rpartition("@")
    quoted = _QUOTED.fullmatch(local)
    if quoted is not None:
        local = re.sub(r"\\(.)", r"\1", quoted[1])
    elif not local or re.search(r"[\s\x00-\x1f\x7f@<>,;\"]", local):
        raise MailboxError("it is no mail address")
    _refuse_hidden(local)
    is_literal = re.fullmatch(r"\[[0-9A-Za-z.:-]+\]", domain) is not None
    return Mailbox(unicodedata.normalize("NFC", local), domain if is_literal else _encode(domain))


def _encode(domain: str) -> str:
    try:
        encoded = encode_domain(domain)
    except DomainError as error:
        raise MailboxError(f"it is no mail address: {error}") from None
    return domain.removesuffix(".") if domain.isascii() else encoded


def _refuse_hidden(local: str) -> None:
    hidden = _hidden_letter(local)
    if hidden is not None:
        code = f"U+{ord(hidden):04X}"
        raise MailboxError(f"it is no mail address: {code} before the @ cannot be seen")


def _hidden_letter(local: str) -> str | None:
    """The first letter that nobody sees; a joiner counts at the ends, where it joins nothing."""
    if local.isascii():
        return None
    ends = local[0] + local[-1]
    hidden = (letter for letter in local if unicodedata.category(letter) in _HIDDEN_CATEGORIES)
    return next((letter for letter in hidden if letter not in _JOINERS or letter in ends), None)
