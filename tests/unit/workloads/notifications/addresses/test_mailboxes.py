import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from workloads.notifications.addresses.mailboxes import (
    MailboxError,
    parse_known_mailbox,
    parse_mailbox,
)


@pytest.mark.parametrize(
    ("text", "sent_to"),
    [
        ("jo@example.org", "jo@example.org"),
        ("Jo+News@Example.Org", "Jo+News@Example.Org"),
        ("jo@example.org.", "jo@example.org"),
        ("jo@bücher.example", "jo@xn--bcher-kva.example"),
        ("Jo@BÜCHER。example", "Jo@xn--bcher-kva.example"),
        ("jo@xn--bcher-kva.example", "jo@xn--bcher-kva.example"),
        (unicodedata.normalize("NFD", "jörg@example.org"), "jörg@example.org"),
        ("o'brien!#$%&'*+-/=?^_`{|}~@example.org", "o'brien!#$%&'*+-/=?^_`{|}~@example.org"),
    ],
)
def test_mail_goes_to_the_local_part_as_it_is_and_to_a_labels(text: str, sent_to: str):
    assert parse_mailbox(text).text == sent_to


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        ("jo", "no mail address"),
        ("@example.org", "no mail address"),
        ("jo@", "no mail address"),
        ("jo@localhost", "no mail address"),
        ("jo..x@example.org", "no mail address"),
        (".jo@example.org", "no mail address"),
        ('"jo"@example.org', "no mail address"),
        ("Jo <jo@example.org>", "no mail address"),
        ("jo＠example.org", "no mail address"),
        ("jo@exa mple.org", "characters that no domain has"),
        ("jo@x..org", "between two of its dots"),
        ("jo@-ü.org", "hyphen"),
        ("\u200bjo@example.org", r"U\+200B"),
        ("jo\u200b@example.org", r"U\+200B"),
        ("jo\u00a0x@example.org", r"U\+00A0"),
        ("jo\u202e@example.org", r"U\+202E"),
        ("jo\x85@example.org", r"U\+0085"),
        ("jo\ud800@example.org", r"U\+D800"),
        ("jo\u200d@example.org", r"U\+200D"),
    ],
)
def test_what_is_no_address_is_refused_and_says_why(text: str, fault: str):
    with pytest.raises(MailboxError, match=fault):
        parse_mailbox(text)


def test_letters_that_need_a_joiner_keep_it():
    assert parse_mailbox("نامه\u200cای@example.org").local == "نامه\u200cای"


@pytest.mark.parametrize(
    ("first", "second"),
    [
        ("jo@bücher.example", "JO@xn--bcher-kva.example."),
        ('"jo"@example.org', "jo@example.org"),
        (r'"j\o"@example.org', "jo@example.org"),
        ("JÖRG@example.org", unicodedata.normalize("NFD", "jörg@example.org")),
        ("STRASSE@example.org", "straße@example.org"),
        ("jo@[192.0.2.1]", "JO@[192.0.2.1]"),
    ],
)
def test_two_spellings_of_an_address_compare_alike(first: str, second: str):
    assert parse_known_mailbox(first).key == parse_known_mailbox(second).key


@pytest.mark.parametrize(
    ("first", "second"),
    [
        ("jo+news@example.org", "jo@example.org"),
        ("j.o@example.org", "jo@example.org"),
        ("jo@strasse.example", "jo@straße.example"),
        ("jo@a.example.org", "jo@example.org"),
    ],
)
def test_two_addresses_do_not(first: str, second: str):
    assert parse_known_mailbox(first).key != parse_known_mailbox(second).key


@given(st.text(max_size=30).map(lambda text: f"{text}@bücher.example"))
def test_an_address_that_is_sent_to_can_be_compared(text: str):
    try:
        mailbox = parse_mailbox(text)
    except MailboxError:
        return
    assert parse_known_mailbox(text).key == parse_known_mailbox(mailbox.text).key
    assert parse_known_mailbox(text.upper()).key.endswith("@xn--bcher-kva.example")
