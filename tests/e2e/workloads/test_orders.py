"""Orders through the whole product: Azurite's tables, a broker, and the public HTTP API."""

import json
import secrets
from collections.abc import Iterator
from typing import Any

import pytest

from fanout.adapters.settings import StorageSettings
from fanout.adapters.tables import RowConflictError, TableStore, Write
from tests.support.hosts.fanout_bus import FanoutBus
from tests.support.hosts.hosts import chosen
from tests.support.hosts.product import Product
from tests.support.hosts.running_product import product_on
from tests.support.workloads.order_books import AccountTables, Books

ADDRESS = {"name": "Ada", "street": "Main Street 1", "country": "UK"}
QUICK = {"max_attempts": 3, "base_seconds": 0.05, "jitter_seconds": 0.05}


@pytest.fixture(scope="module")
def shop(
    storage: str, bus: FanoutBus, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Product]:
    folder = tmp_path_factory.mktemp("shop")
    settings = {
        "FANOUT_SERVICE_BUS": bus.connection_string,
        "AzureWebJobs.start_runs.Disabled": "true",
    }
    with product_on(storage, folder, **settings) as product:
        yield product


@pytest.fixture(scope="module")
def tables(storage: str) -> TableStore:
    return TableStore.connect(StorageSettings(connection_string=storage))


@pytest.fixture(scope="module")
def account(storage: str) -> AccountTables:
    return AccountTables(storage)


def order(number: int, customer: str = "ada", quantity: int = 1, **more: Any) -> dict[str, Any]:
    line = {"sku": "e2e-pen", "quantity": quantity, "unit_price": "2.50"}
    named = {"id": f"o{number}", "customer": customer, "currency": "EUR", "address": ADDRESS}
    return named | {"lines": [line]} | more


def request(items: list[dict[str, Any]], workload: str = "orders", **more: Any) -> dict[str, Any]:
    return {
        "workload": workload,
        "source": {"kind": "inline", "items": items},
        "tolerance": {"percentage": 100},
        "retry": QUICK,
    } | more


def lines(product: Product, run_id: str) -> dict[str, dict[str, Any]]:
    names = [f["name"] for f in product.results(run_id)["files"]]
    return {
        line["item_id"]: line
        for name in names
        if not name.startswith("DEAD-LETTERS")
        for line in map(json.loads, product.file(run_id, name).body.splitlines())
    }


@pytest.mark.needs_settings
def test_orders_are_shipped_or_leave_nothing_behind_and_a_redrive_takes_up_the_rest(
    shop: Product, bus: FanoutBus, account: AccountTables
):
    goods = {"kind": "goods", "id": "g1", "sku": "e2e-pen", "quantity": 12}
    deposit = {"kind": "deposit", "id": "d1", "customer": "ada", "currency": "EUR"}
    ink = goods | {"id": "g0", "sku": "e2e-ink", "quantity": 99}
    filled = [goods, ink, deposit | {"amount": "100.00", "limit": "40.00"}]
    assert shop.run(request(filled, "receipts"))["outcome"] == "succeeded"
    assert shop.run(request(filled, "receipts"))["outcome"] == "succeeded"

    items = [order(n) for n in range(10)]
    eve = [{"sku": "e2e-ink", "quantity": 1, "unit_price": "2.50"}]
    items += [order(10, quantity=13), order(12, customer="eve", lines=eve)]
    items += [order(11, lines=[{"sku": "e2e-ink", "quantity": 20, "unit_price": "2.50"}])]
    items += [order(13, lines=[{"sku": "no", "quantity": 1, "unit_price": "1"}])]
    items += [order(14, currency="JPY"), {"id": "o15"}]
    status = shop.run(request(items, run_id="orders-1"))
    found = lines(shop, "orders-1")
    books = Books(account)
    books.insist_on_conservation()
    for line in found.values():
        books.insist_on(line, "orders-1")
    assert status["outcome"] == "partially_succeeded"
    assert {found[f"o{n}"]["status"] for n in range(10)} == {"succeeded"}
    errors = {name: line["error"]["type"] for name, line in found.items() if "error" in line}
    assert errors == {
        "o10": "OutOfStockError",
        "o11": "LimitExceededError",
        "o12": "UnknownCustomerError",
        "o13": "UnknownSkuError",
        "14": "ItemValidationError",
        "15": "ItemValidationError",
    }
    assert "JPY" in found["14"]["error"]["message"]
    assert books.wallets["ada:EUR"]["captured"] == "25.00"
    told = bus.shipments()
    assert sorted(one["order"] for one in told) == [f"o{n}" for n in range(10)]
    assert {one["event"] for one in told} == {"created"}

    more = goods | {"id": "g2", "quantity": 11}
    shop.run(request([more], "receipts"))
    answer = shop.host.request("POST", "/api/runs/orders-1/redrive", b"{}")
    assert answer.status == 202, answer.body
    again = shop.until(
        "orders-1", lambda status: status["redrive_count"] == 1 and status["phase"] == "done"
    )
    assert again["items"]["succeeded"] == 11
    found = lines(shop, "orders-1")
    assert found["o10"]["saga"]["take"] == 2
    books = Books(account)
    books.insist_on_conservation()
    for line in found.values():
        books.insist_on(line, "orders-1")
    assert [one["order"] for one in bus.shipments()] == ["o10"]


@pytest.mark.needs_settings
def test_the_same_run_again_changes_nothing(shop: Product, account: AccountTables, bus: FanoutBus):
    receipts = [
        {"kind": "goods", "id": "g3", "sku": "e2e-pen", "quantity": 5},
        {
            "kind": "deposit",
            "id": "d3",
            "customer": "bob",
            "currency": "EUR",
            "amount": "100.00",
        },
    ]
    shop.run(request(receipts, "receipts"))
    asked = request([order(n, customer="bob") for n in range(3)], run_id="orders-2")
    shop.run(asked)
    before = Books(account)
    assert shop.post(asked).status == 200
    after = Books(account)
    assert after.wallets == before.wallets and after.stock == before.stock
    assert after.wallets["bob:EUR"]["captured"] == "7.50"
    assert len(bus.shipments()) == 3

    sagas = "/runtime/webhooks/durabletask/instances/orders-2:p00000b0000r0"
    assert shop.host.get(sagas).status == 200
    assert shop.host.request("DELETE", "/api/runs/orders-2").status == 204
    assert shop.host.get(sagas).status == 404
    assert shop.blobs_of("orders-2") == []


@pytest.mark.needs_settings
def test_a_dry_run_counts_the_steps_of_every_order(shop: Product):
    answer = shop.post(request([order(n) for n in range(60)], dry_run=True))
    estimate = answer.json["estimate"]
    assert (answer.json["items"], estimate["batches"]) == (60, 3)
    assert 3 + 2 <= estimate["activities"] < 3 + 12
    assert estimate["worst"]["activities"] >= 60 * 7 + 3 * 2


def test_orders_without_a_service_bus_are_refused_at_once(product: Product):
    answer = product.post(request([order(1)], dry_run=chosen().origin is not None))
    if answer.status == 200 and chosen().origin is not None:
        pytest.skip(f"{chosen().name} has a Service Bus")
    assert answer.status == 400
    assert "FANOUT_SERVICE_BUS" in answer.json["errors"][0]["message"]


@pytest.mark.needs_settings
def test_sagas_refuse_limits_that_they_could_not_keep(shop: Product):
    asked = request([order(1)], batch={"max_items": 51}, timeouts={"batch_seconds": 5})
    answer = shop.post(asked | {"on_exceeded": "compensate"})
    assert answer.status == 400
    fields = {error["field"] for error in answer.json["errors"]}
    assert fields == {"batch.max_items", "timeouts.batch_seconds", "on_exceeded"}


def test_a_row_that_was_changed_meanwhile_is_not_overwritten(tables: TableStore):
    racing = f"racing{secrets.token_hex(3)}"
    tables.write(racing, "p", [Write("a", {"n": 1}), Write("b", {"n": 1})])
    seen = tables.read(racing, "p", ["a", "none"])
    assert seen.keys() == {"a"} and seen["a"].values == {"n": 1}
    tables.write(racing, "p", [Write("a", {"n": 2}, seen["a"].etag)])
    with pytest.raises(RowConflictError):
        tables.write(racing, "p", [Write("c", {"n": 3}), Write("a", {"n": 3}, seen["a"].etag)])
    with pytest.raises(RowConflictError):
        tables.write(racing, "p", [Write("c", {"n": 3}), Write("b", {"n": 3})])
    assert tables.read(racing, "p", ["c"]) == {}
    assert tables.read("unmade", "p", ["c"]) == {}
    assert {key: row.values["n"] for key, row in tables.read(racing, "p", "ab").items()} == {
        "a": 2,
        "b": 1,
    }


def test_whole_numbers_have_64_bits(tables: TableStore):
    large = {"n": 2**40, "negative": -(2**40), "text": "2", "yes": True}
    numbers = f"numbers{secrets.token_hex(3)}"
    tables.write(numbers, "p", [Write("a", large)])
    assert tables.read(numbers, "p", ["a"])["a"].values == large
