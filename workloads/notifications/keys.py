"""Idempotency keys of messages, and the ids and blob names that are made from them.

Each is the same however often a message is sent, so receivers can recognise one that came twice.
"""

import hashlib
import json

from workloads.notifications.recipient import Channel, Recipient

MAX_HEADER_CHARACTERS = 255


def message_key(item_key: str, channel: Channel) -> str:
    """The idempotency key of an item's message over one channel."""
    return f"{item_key}/{channel}"


def header_key(key: str) -> str:
    """A key as the header `Idempotency-Key` carries it: a digest where it cannot stand there."""
    if key.isascii() and key.isprintable() and len(key) <= MAX_HEADER_CHARACTERS:
        return key
    return _digest(key)


def mail_message_id(key: str, sender_address: str) -> str:
    """The `Message-ID` of a mail (RFC 5322, 3.6.4)."""
    domain = sender_address.rpartition("@")[2]
    return f"<{_digest(key)[:32]}@{domain}>"


def receipt_path(run_id: str, key: str, number: int) -> str:
    """The blob of a receipt: below the run, so it is deleted with the run."""
    return f"{run_id}/receipts/{_digest(key)}/{number:04d}.json"


def recipient_digest(recipient: Recipient) -> str:
    """A digest of all that an item says: another item with the same id has another."""
    return _digest(json.dumps(recipient.model_dump(mode="json"), sort_keys=True))


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode(errors="surrogatepass")).hexdigest()
