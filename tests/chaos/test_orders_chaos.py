"""Orders whose steps fail while hosts and workers are killed: pieces and money are conserved."""

import json
import random
import time
from collections import Counter
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from azure.storage.blob import BlobServiceClient

from fanout.adapters.blob import API_VERSION
from fanout.adapters.settings import StorageSettings
from fanout.adapters.tables import TableStore
from tests.support.harms.killings import Killings
from tests.support.hosts.fanout_bus import FanoutBus
from tests.support.hosts.host_process import HostProcess
from tests.support.workloads.chaotic_orders import CUSTOMERS, EVERY, ORDERS, PIECES, SKUS
from tests.support.workloads.order_books import AccountTables, Books
from workloads.orders.inventory import Inventory
from workloads.orders.steps import SHIP
from workloads.orders.wallet import Wallet

APP = Path(__file__).parent / "apps" / "orders"
SETTLE_SECONDS = 300
RUN = "orders-killed"
RETRY = {"max_attempts": 4, "base_seconds": 0.1, "max_seconds": 0.3, "jitter_seconds": 0.1}


def orders(seed: int) -> list[dict[str, Any]]:
    chance = random.Random(seed)
    address = {"name": "A", "street": "B", "country": "C"}
    return [
        {
            "id": f"o{n}",
            "customer": chance.choice(CUSTOMERS),
            "currency": "EUR",
            "address": address,
            "lines": [
                {"sku": sku, "quantity": chance.randint(1, 9), "unit_price": "1.10"}
                for sku in chance.sample(SKUS, chance.randint(1, len(SKUS)))
            ],
        }
        for n in range(ORDERS)
    ]


def outcomes(host: HostProcess) -> list[dict[str, Any]]:
    listed = host.get(f"/api/runs/{RUN}/results").json["files"]
    names = [f["name"] for f in listed if not f["name"].startswith("DEAD-LETTERS")]
    return [
        json.loads(line)
        for name in names
        for line in host.get(f"/api/runs/{RUN}/results/{name}").body.splitlines()
    ]


@pytest.mark.chaos
@pytest.mark.timeout(900)
def test_nothing_is_lost_or_done_twice_whatever_fails_and_is_killed(
    storage: str, tmp_path: Path, chaos_seconds: float, torn: tuple[str, ...]
):
    seed = random.randrange(2**32)
    print(f"seed {seed}")
    bus = FanoutBus(tmp_path / "bus")
    tables = TableStore.connect(StorageSettings(connection_string=storage))
    inventory, wallet = Inventory(tables), Wallet(tables)
    for sku in SKUS:
        inventory.receive("main", sku, PIECES, f"chaos/{sku}")
    for customer in CUSTOMERS:
        wallet.deposit(customer, "EUR", Decimal("180.00"), f"chaos/{customer}")
    blobs = BlobServiceClient.from_connection_string(storage, api_version=API_VERSION)
    items = b"".join(json.dumps(order).encode() + b"\n" for order in orders(seed))
    blobs.create_container(f"chaos-{seed}").upload_blob("orders.jsonl", items)
    environment = {
        "FANOUT_STORAGE": storage,
        "FANOUT_SOURCE_CONTAINERS": "*",
        "FANOUT_RUNS_CONTAINER": "orders-chaos",
        "FANOUT_SERVICE_BUS": bus.connection_string,
        "FANOUT_LOG_LEVEL": "ERROR",
        "AzureWebJobs.start_runs.Disabled": "true",
    }
    killings = Killings(APP, tmp_path, environment, random.Random(seed), (1.0, 3.0))
    killings.options += torn
    asked = {
        "workload": "chaotic-orders",
        "run_id": RUN,
        "source": {"kind": "jsonl", "container": f"chaos-{seed}", "blob": "orders.jsonl"},
        "tolerance": {"percentage": 100},
        "retry": {
            "max_attempts": 4,
            "base_seconds": 0.1,
            "max_seconds": 0.3,
            "jitter_seconds": 0.1,
        },
    }
    with killings.calm() as host:
        answer = host.request("POST", "/api/runs", json.dumps(asked).encode())
        assert answer.status == 202, answer.body

    def is_done(host: HostProcess) -> bool:
        answer = host.get(f"/api/runs/{RUN}")
        return answer.status == 200 and bool(answer.json["phase"] == "done")

    killings.until(is_done, chaos_seconds)
    assert killings.hosts >= 2, "the run was over too soon; make it longer"
    with killings.calm() as host:
        deadline = time.monotonic() + SETTLE_SECONDS
        while not is_done(host):
            assert time.monotonic() < deadline, f"it is stuck:\n{host.log}"
            time.sleep(0.1)
        status, found = host.get(f"/api/runs/{RUN}").json, outcomes(host)
    told = bus.shipments()
    bus.close()

    books = Books(AccountTables(storage))
    books.insist_on_conservation()
    by_id = {line["item_id"]: line for line in found}
    assert len(found) == len(by_id) == ORDERS
    counts = Counter(line["status"] for line in found)
    assert {name: n for name, n in status["items"].items() if n and name != "total"} == counts
    for line in found:
        books.insist_on(line, RUN)
    stuck = {int(line["item_id"][1:]) % EVERY for line in found if "undo_failed" in line["saga"]}
    assert stuck <= {5}
    packed = {one["shipment"] for one in told if one["event"] == "created"}
    packed -= {one["shipment"] for one in told if one["event"] == "cancelled"}
    shipped = [line["output"][SHIP] for line in found if line["status"] == "succeeded"]
    assert sorted(packed) == sorted(shipped)
    assert counts["succeeded"] > ORDERS / 4
    print(f"{counts}; {killings.hosts} hosts and {killings.workers} workers were killed")
