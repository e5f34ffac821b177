"""Keys and ids of messages are sent and stored: their formats must never change."""

import pytest

from workloads.notifications import keys
from workloads.notifications.recipient import Recipient

KEY = "run/1/process/email"
DIGEST = "b5c7d72242c556e56ce6a4b2aee8eb5ec2e87f1828efae7a9340f8d5e4f5fd14"


def test_keys_and_ids_have_their_format():
    assert keys.message_key("run/1/process", "email") == KEY
    assert keys.mail_message_id(KEY, "shop@example.com") == f"<{DIGEST[:32]}@example.com>"
    assert keys.receipt_path("run", KEY, 3) == f"run/receipts/{DIGEST}/0003.json"


@pytest.mark.parametrize(
    ("key", "header"),
    [
        (KEY, KEY),
        (
            "run/ü/process/sms",
            "27f0b8599804d1898eceafa96f0631cbc98b3c1df66124ab59d5674bfddd40ca",
        ),
        ("x" * 256, "85e62acd750c4eb56b7b6a1d66dca5bfaac5f062608a1a893410d0288936c09a"),
    ],
)
def test_a_key_that_no_header_can_carry_is_a_digest(key: str, header: str):
    assert keys.header_key(key) == header


def test_an_item_of_the_same_id_has_another_digest():
    recipient = Recipient(id="1", email="a@example.org", fields={"b": 1, "a": "ü"})
    expected = "078c65bffc67eb53af5a93613546940bc793805616166c26a2d0d045ece9fdb2"
    assert keys.recipient_digest(recipient) == expected
    assert keys.recipient_digest(recipient.model_copy(update={"fields": {}})) != expected
