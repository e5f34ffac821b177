import pytest
from hypothesis import given
from hypothesis import strategies as st

from workloads.notifications.addresses.entries import keys_of_address, parse_entry, parse_list


def suppresses(entry: str, address: str) -> bool:
    return parse_entry(entry) in keys_of_address(address)


@pytest.mark.parametrize(
    ("entry", "address"),
    [
        ("jo@bücher.example", "jo@xn--bcher-kva.example"),
        ("jo@xn--bcher-kva.example", "jo@bücher.example"),
        ("JO@BÜCHER.EXAMPLE.", "jo@xn--bcher-kva.example"),
        ("\ufeff \u00a0jo@ｂücher。example\u200b ", "jo@bücher.example"),
        ("jo＠bücher.example", "jo@bücher.example"),
        ("Jo Bücher <jo@bücher.example>", "jo@xn--bcher-kva.example"),
        ('"Bücher, Jo" <jo@bücher.example>', "jo@xn--bcher-kva.example"),
        ("<jo@bücher.example>", "jo@xn--bcher-kva.example"),
        ('"jo"@bücher.example', "jo@xn--bcher-kva.example"),
        ("jo@bücher.example # bounced", "jo@xn--bcher-kva.example"),
        ("jo@example.org\t# unsubscribed <x>", "jo@example.org"),
        ("bücher.example", "jo@xn--bcher-kva.example"),
        ("@bücher.example", "anyone@xn--bcher-kva.example"),
        ("xn--bcher-kva.example.", "jo@bücher.example"),
        ("bücher.example", "https://xn--bcher-kva.example/hook"),
        ("https://bücher.example/Hook", "HTTPS://XN--BCHER-KVA.example:443/hook"),
        ("http://bücher.example", "http://xn--bcher-kva.example./"),
        ("+49 30 123456", "+4930123456"),
        ("tel:+49-30-123456", "+4930123456"),
        ("＋４９３０１２３４５６", "+4930123456"),
        ("+tag@example.org", "+tag@example.org"),
        ("mailto:jo@bücher.example", "jo@bücher.example"),
        ("MAILTO:jo%2Bnews@example.org?subject=unsubscribe", "jo+news@example.org"),
        ("*@bücher.example", "anyone@xn--bcher-kva.example"),
        ("https://example.org/%7ejo", "https://example.org/~jo"),
        ("https://example.org/a%2Fb", "https://example.org/a%2fb"),
    ],
)
def test_an_entry_stands_for_every_spelling(entry: str, address: str):
    assert suppresses(entry, address)


@pytest.mark.parametrize(
    ("entry", "address"),
    [
        ("jo@bücher.example", "bo@bücher.example"),
        ("bücher.example", "jo@mail.bücher.example"),
        ("jo@example.org", "jo+news@example.org"),
        ("https://example.org/a", "https://example.org/b"),
        ("https://example.org/a", "https://example.org:8443/a"),
        ("+4930123456", "+4930123457"),
        ("https://example.org/a%2Fb", "https://example.org/a/b"),
        ("jo@strasse.example", "jo@straße.example"),
    ],
)
def test_an_entry_stands_for_nobody_else(entry: str, address: str):
    assert not suppresses(entry, address)


@pytest.mark.parametrize("ending", ["\n", "\r\n", "\r"])
def test_a_list_has_an_entry_a_line_however_lines_end(ending: str):
    text = ending.join(["# bounced", "", "  ", "Jo@example.org ", "\tbücher.example"])
    entries = parse_list(text)
    assert entries.keys == {"jo@example.org", "@xn--bcher-kva.example"}
    assert entries.faults == ()


def test_an_entry_that_cannot_be_read_is_named_with_its_line():
    entries = parse_list(
        "jo@example.org\nemail\njo@x.org; bo@x.org\n+49 (0)30 1\n1.2.3.4\nj\x00@x.org"
    )
    assert [fault.partition(":")[0] for fault in entries.faults] == [
        "line 2",
        "line 3",
        "line 4",
        "line 5",
        "line 6",
    ]
    assert "'email'" in entries.faults[0]
    assert entries.keys == {"jo@example.org"}


@given(
    st.from_regex(r"[A-Za-z0-9._+-]{1,10}@([A-Za-z0-9]{1,5}\.){1,2}[A-Za-z]{2,4}", fullmatch=True)
)
def test_a_plain_address_has_the_same_key_on_the_short_way_and_on_the_long(address: str):
    assert parse_entry(address) == parse_entry(f"<{address}>") == address.lower()


@given(st.text(max_size=40))
def test_whatever_stands_in_a_list_is_an_entry_or_named(text: str):
    entries = parse_list(text)
    lines = [line for line in text.splitlines() if line.strip("\ufeff \t") and "#" not in line]
    if lines and all(line.isascii() and line.isprintable() for line in lines):
        assert entries.keys or entries.faults


@pytest.mark.parametrize(
    "entry",
    [
        "j\u200bo@example.org",
        "jo\u00ad@example.org",
        "mailto:",
        "mailto:jo",
        "*.example.org",
        "https://[bad",
        "https://exa mple.org/",
        "https:///hook",
        "https://",
        "https://example.org:99999/",
        "htps://example.org/",
        "ftp://example.org/",
    ],
)
def test_an_entry_that_could_stand_for_nobody_is_named_and_not_passed_over(entry: str):
    assert len(parse_list(entry).faults) == 1


def test_an_address_that_is_none_of_its_channel_has_keys_and_is_refused_later():
    assert keys_of_address("https://[bad")
