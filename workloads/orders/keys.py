"""Idempotency keys of orders, and the ids and row keys that are made from them.

Each is the same however often a step is repeated, so a repeat finds what is there and adds nothing.
"""

import hashlib

NO_SHIPMENT = ""


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
    return "op-" + _digest(idempotency_key, 40)


def entry_row_key(idempotency_key: str, step: int) -> str:
    """The row key of a journal entry: one for each step of an operation."""
    return f"entry-{operation_row_key(idempotency_key)}-{step:03d}"


def shipment_id(idempotency_key: str) -> str:
    """The id of the shipment that a step makes."""
    return "s-" + _digest(idempotency_key, 24)


def shipment_message_id(shipment: str, event: str) -> str:
    """The id of the message that says what happened to a shipment."""
    return f"{shipment}/{event}"


def _digest(text: str, digits: int) -> str:
    return hashlib.sha256(text.encode()).hexdigest()[:digits]
