"""Idempotency keys of orders, and the ids and row keys that are made from them.

Each is the same however often a step is repeated, so a repeat finds what is there and adds nothing.
"""

import hashlib

NO_SHIPMENT = ""


# Stands between an idempotency key and the order that uses it; no id of an order or a run has it.
_OWNER = "#"


def own_key(idempotency_key: str, index: int) -> str:
    """An idempotency key with the order that uses it, by its position in the source.

    Two orders of one id have the same idempotency keys: the first that uses one owns what is done
    under it, and the other neither uses it nor takes it back.
    """
    return f"{idempotency_key}{_OWNER}{index}"


def owner_of(key: str) -> str:
    """The order that uses a key; none where the key is that of a receipt."""
    return key.partition(_OWNER)[2]


def plain_key(key: str) -> str:
    """An idempotency key without the order that uses it."""
    return key.partition(_OWNER)[0]


def receipt_key(receipt_id: str) -> str:
    """The idempotency key of a receipt: the same in every run, so it is booked once."""
    return f"receipt/{receipt_id}"


def article_row_key(sku: str) -> str:
    """The row key of an article, in the partition of its warehouse."""
    return f"sku-{sku}"


def wallet_partition(customer: str, currency: str) -> str:
    """The partition of a wallet; no customer's key has a colon."""
    return f"{customer}:{currency}"


def operation_row_key(idempotency_key: str) -> str:
    """The row key of an operation; an idempotency key has letters that a row key must not have."""
    return "op-" + _digest(plain_key(idempotency_key), 40)


def entry_row_key(idempotency_key: str, step: int) -> str:
    """The row key of a journal entry: one for each step of an operation."""
    return f"entry-{operation_row_key(idempotency_key)}-{step:03d}"


def shipment_id(idempotency_key: str) -> str:
    """The id of the shipment that a step makes."""
    return "s-" + _digest(plain_key(idempotency_key), 24)


def shipment_message_id(shipment: str, event: str) -> str:
    """The id of the message that says what happened to a shipment."""
    return f"{shipment}/{event}"


def _digest(text: str, digits: int) -> str:
    return hashlib.sha256(text.encode()).hexdigest()[:digits]
