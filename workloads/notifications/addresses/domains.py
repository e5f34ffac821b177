"""The one form in which names of hosts are compared and connected to: A-labels in small letters.

``Bücher.Example``, its full-width and decomposed spellings and ``xn--bcher-kva.example.`` are one
domain. UTS 46 maps what people write (without its transitional rules, so that ``ß`` stays itself),
IDNA 2008 encodes it: https://www.unicode.org/reports/tr46/, https://www.rfc-editor.org/rfc/rfc5891.
"""

import re

import idna

MAX_DOMAIN_CHARACTERS = 253
MAX_LABEL_CHARACTERS = 63
_PLAIN = re.compile(r"(?:[a-z0-9_-]{1,63}\.)*[a-z0-9_-]{1,63}")
_LABEL = re.compile(r"[a-z0-9_-]+")


class DomainError(ValueError):
    """A text is no name of a host."""


def encode_domain(text: str) -> str:
    """Write a domain in A-labels and small letters, without the dot of the root.

    An A-label stays as it is, and so does a name that IDNA has no rule for, such as one with an
    underscore. Symbols, which IDNA 2008 leaves out and registries of some domains do not, are
    encoded as those do.

    Raises:
        DomainError: It is no domain; the message says why.
    """
    if len(text) > 2 * MAX_DOMAIN_CHARACTERS:
        raise DomainError(f"a domain has {MAX_DOMAIN_CHARACTERS} characters at most")
    if not _PLAIN.fullmatch(text):
        try:
            mapped = idna.uts46_remap(text, std3_rules=False, transitional=False)
        except idna.IDNAError as error:
            raise DomainError(f"it is no domain: {error}") from None
        text = ".".join(map(_encode_label, mapped.removesuffix(".").split(".")))
    if len(text) > MAX_DOMAIN_CHARACTERS:
        raise DomainError(f"a domain has {MAX_DOMAIN_CHARACTERS} characters at most")
    return text


def _encode_label(label: str) -> str:
    if not label:
        raise DomainError("it is no domain: nothing stands between two of its dots")
    if not label.isascii():
        label = _encode_unicode_label(label)
    if not _LABEL.fullmatch(label):
        raise DomainError(f"'{label}' has characters that no domain has")
    if len(label) > MAX_LABEL_CHARACTERS:
        raise DomainError(f"each part of a domain has {MAX_LABEL_CHARACTERS} characters at most")
    return label


def _encode_unicode_label(label: str) -> str:
    try:
        return idna.alabel(label).decode()
    except idna.InvalidCodepoint:
        return f"xn--{label.encode('punycode').decode()}"
    except idna.IDNAError as error:
        raise DomainError(f"it is no domain: {error}") from None
