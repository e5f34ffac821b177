"""Keys and ids of orders are stored: their formats must never change."""

from workloads.orders import keys

STEP = "run/o-1/create_shipment"


def test_row_keys_have_their_format():
    digest = "5b07f44998ea75b1be8263c9b78ae63bca371e67"
    assert keys.operation_row_key(STEP) == f"op-{digest}"
    assert keys.entry_row_key(STEP, 7) == f"entry-op-{digest}-007"
    assert keys.article_row_key("pen") == "sku-pen"
    assert keys.wallet_partition("ada", "EUR") == "ada:EUR"


def test_ids_have_their_format():
    assert keys.receipt_key("r-1") == "receipt/r-1"
    assert keys.shipment_id(STEP) == "s-5b07f44998ea75b1be8263c9"
    assert keys.shipment_message_id("s-1", "created") == "s-1/created"
