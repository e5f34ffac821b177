import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from workloads.notifications.addresses.domains import DomainError, encode_domain

# Worked out by https://util.unicode.org/UnicodeJsps/idna.jsp (UTS 46, nontransitional).
BUECHER = "xn--bcher-kva.example"


@pytest.mark.parametrize(
    "spelling",
    [
        "bücher.example",
        "BÜCHER.Example",
        unicodedata.normalize("NFD", "bücher.example"),
        "bücher.example.",
        "bücher。example",
        "bücher．example",
        "bücher｡example。",
        "ｂüｃｈｅｒ.ｅｘａｍｐｌｅ",
        "bü\u00adcher.example",
        "bü\u200bcher.example",
        "xn--bcher-kva.example",
        "XN--BCHER-KVA.EXAMPLE.",
    ],
)
def test_every_spelling_of_a_domain_has_one_form(spelling: str):
    assert encode_domain(spelling) == BUECHER


@pytest.mark.parametrize(
    ("domain", "encoded"),
    [
        ("example.org", "example.org"),
        ("Example.ORG.", "example.org"),
        ("straße.example", "xn--strae-oqa.example"),
        ("ΒΌΛΟΣ.example", "xn--nxasmq6b.example"),
        ("βόλος.example", "xn--nxasmm1c.example"),
        ("例え.テスト", "xn--r8jz45g.xn--zckzah"),
        ("президент.рф", "xn--d1abbgf6aiiy.xn--p1ai"),
        ("💩.la", "xn--ls8h.la"),
        ("xn--ls8h.la", "xn--ls8h.la"),
        ("１２７。0.0.1", "127.0.0.1"),
        ("my_host.example", "my_host.example"),
    ],
)
def test_domains_are_encoded_as_registries_do(domain: str, encoded: str):
    assert encode_domain(domain) == encoded


@pytest.mark.parametrize(
    "text",
    [
        "",
        ".",
        "a..b",
        ".example.org",
        "exa mple.org",
        "exa\x00mple.org",
        "a@b.org",
        "a＠b.org",
        "-ä.example",
        "a" * 64 + ".org",
        "ü" * 60 + ".org",
        ".".join(["abcdefgh"] * 30),
        "\u0301a.example",
        "\ud800.example",
        "a\u202eb.example",
        "ü" * 100_000,
    ],
)
def test_what_is_no_domain_is_refused(text: str):
    with pytest.raises(DomainError):
        encode_domain(text)


@given(st.text(max_size=40))
def test_a_form_is_its_own_form_and_nothing_else_is_raised(text: str):
    try:
        encoded = encode_domain(text)
    except DomainError:
        return
    assert encoded.isascii()
    assert encode_domain(encoded) == encoded
    assert encode_domain(encoded.upper() + ".") == encoded


@given(st.from_regex(r"([a-zäöüß]{1,10}\.){1,3}[a-z]{2,5}", fullmatch=True))
def test_the_form_is_that_of_the_library(domain: str):
    import idna

    assert encode_domain(domain) == idna.encode(domain, uts46=True).decode()
