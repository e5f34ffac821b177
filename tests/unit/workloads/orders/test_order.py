from typing import Any

import pytest
from pydantic import ValidationError

from workloads.orders.order import Order
from workloads.orders.receipts import Receipt

ORDER: dict[str, Any] = {
    "id": "o",
    "customer": "c",
    "currency": "EUR",
    "address": {"name": "n", "street": "s", "country": "DE"},
}
GOODS = {"kind": "goods", "id": "r", "sku": "s"}


def pieces(quantity: object) -> dict[str, int]:
    lines = [{"sku": "s", "quantity": quantity, "unit_price": "1.00"}]
    return Order.model_validate({**ORDER, "lines": lines}).pieces


@pytest.mark.parametrize(
    "quantity", [True, False, 1.5, "1_0", "\uff11", "", None, [1], "1e1", "9" * 5000]
)
def test_a_quantity_that_is_no_whole_number_is_refused_by_its_field(quantity: object):
    with pytest.raises(ValidationError) as caught:
        pieces(quantity)
    assert caught.value.errors()[0]["loc"] == ("lines", 0, "quantity")
    with pytest.raises(ValidationError) as caught:
        Receipt.model_validate({**GOODS, "quantity": quantity})
    assert caught.value.errors()[0]["loc"] == ("goods", "quantity")


@pytest.mark.parametrize("quantity", [3, "3", 3.0, "3.0", " 3 ", "+3", "03"])
def test_a_quantity_may_be_written_in_any_form_that_a_csv_or_json_has(quantity: object):
    assert pieces(quantity) == {"s": 3}


@pytest.mark.parametrize(
    "amount", [True, "1_0", "\u0663", "NaN", "Infinity", "1e400", 10**20, "0x1", "1,0", "-1"]
)
def test_an_amount_that_is_no_money_is_refused_by_its_field(amount: object):
    lines = [{"sku": "s", "quantity": 1, "unit_price": amount}]
    with pytest.raises(ValidationError) as caught:
        Order.model_validate({**ORDER, "lines": lines})
    assert caught.value.errors()[0]["loc"] == ("lines", 0, "unit_price")
