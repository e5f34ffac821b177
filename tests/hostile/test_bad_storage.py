"""Storage that gives bad answers for a while: every run ends right, or is so once redriven."""

import contextlib
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
from tests.support.hostile.storage_proxy import BRIEF, Trouble, bad_storage
from tests.support.hosts.fanout_bus import FanoutBus
from tests.support.hosts.host_process import REPOSITORY, Answer, HostProcess, running
from tests.support.workloads.chaotic_orders import CUSTOMERS, PIECES, SKUS
from tests.support.workloads.order_books import AccountTables, Books
from workloads.orders.inventory import Inventory
from workloads.orders.wallet import Wallet

APP = REPOSITORY / "tests" / "chaos" / "apps" / "orders"
RUNS, ORDERS = 3, 12
SHARE = 0.25
SETTLE_SECONDS = 240
MOST_REDRIVES = 4
RETRY = {"max_attempts": 4, "base_seconds": 0.1, "max_seconds": 0.3, "jitter_seconds": 0.1}


def orders(run: int, chance: random.Random) -> list[dict[str, Any]]:
    address = {"name": "A", "street": "B", "country": "C"}
    lines = [{"sku": "pen", "quantity": 1, "unit_price": "1.10"}]
    return [
        {
            "id": f"o{run * ORDERS + n}",
            "customer": chance.choice(CUSTOMERS),
            "currency": "EUR",
            "address": address,
            "lines": lines,
        }
        for n in range(ORDERS)
    ]


def call(host: HostProcess, method: str, path: str, body: Any = None) -> Answer:
    """Call again, as clients do, what is answered by 503 or, since storage is slow, not in time."""
    data = None if body is None else json.dumps(body).encode()
    deadline = time.monotonic() + SETTLE_SECONDS
    while True:
        with contextlib.suppress(TimeoutError):
            answer = host.request(method, path, data)
            assert answer.status != 500, host.log[-8000:]
            if answer.status != 503:
                return answer
        assert time.monotonic() < deadline, host.log[-4000:]
        time.sleep(0.5)


def until_over(host: HostProcess, run_id: str) -> dict[str, Any]:
    deadline = time.monotonic() + SETTLE_SECONDS
    while True:
        answer = call(host, "GET", f"/api/runs/{run_id}")
        if answer.status == 200 and answer.json["phase"] == "done":
            return dict(answer.json)
        assert time.monotonic() < deadline, f"it is stuck: {answer.body!r}\n{host.log[-4000:]}"
        time.sleep(0.2)


def is_right(status: dict[str, Any]) -> bool:
    """Whether every order has an end that leaves nothing to do."""
    items = status["items"]
    is_ended = items["total"] == ORDERS and not items["pending"]
    return bool(is_ended and status["outcome"] in ("succeeded", "partially_succeeded"))


def redrive(host: HostProcess, run_id: str) -> None:
    """Redrive a run; a call whose answer was lost may have done it."""
    answer = call(host, "POST", f"/api/runs/{run_id}/redrive", {})
    assert answer.status in (202, 409), answer.body
    assert answer.status == 202 or b"running" in answer.body or b"being redriven" in answer.body


def outcomes(host: HostProcess, run_id: str) -> list[dict[str, Any]]:
    listed = host.get(f"/api/runs/{run_id}/results").json["files"]
    names = [f["name"] for f in listed if not f["name"].startswith("DEAD-LETTERS")]
    return [
        json.loads(line)
        for name in names
        for line in host.get(f"/api/runs/{run_id}/results/{name}").body.splitlines()
    ]


@pytest.mark.chaos
@pytest.mark.timeout(900)
def test_runs_end_right_or_redrivable_whatever_storage_answers(
    storage: str, tmp_path: Path, chaos_seconds: float
):
    seed = random.randrange(2**32)
    print(f"seed {seed}")
    chance = random.Random(seed)
    tables = TableStore.connect(StorageSettings(connection_string=storage))
    for sku in SKUS:
        Inventory(tables).receive("main", sku, PIECES, f"bad-storage/{sku}")
    for customer in CUSTOMERS:
        Wallet(tables).deposit(customer, "EUR", Decimal("180.00"), f"bad-storage/{customer}")
    bus, trouble = FanoutBus(tmp_path / "bus"), Trouble(random.Random(seed))
    blobs = BlobServiceClient.from_connection_string(storage, api_version=API_VERSION)
    with bad_storage(storage, trouble) as connection:
        environment = {
            "FANOUT_STORAGE": connection,
            "FANOUT_SOURCE_CONTAINERS": "*",
            "FANOUT_RUNS_CONTAINER": f"bad-storage-{seed}",
            "FANOUT_SERVICE_BUS": bus.connection_string,
            "FANOUT_LOG_LEVEL": "ERROR",
            "AzureWebJobs__start_runs__Disabled": "true",
        }
        with running(APP, tmp_path, "--no-stack", environment=environment) as host:
            ids = [f"bad-{seed}-{n}" for n in range(RUNS)]
            trouble.share = SHARE
            for number, run_id in enumerate(ids):
                asked = {
                    "workload": "chaotic-orders",
                    "run_id": run_id,
                    "source": {"kind": "inline", "items": orders(number, chance)},
                    "batch": {"max_items": 4},
                    "tolerance": {"percentage": 100},
                    "retry": RETRY,
                }
                assert call(host, "POST", "/api/runs", asked).status in (200, 202)
            time.sleep(chaos_seconds)
            trouble.share = 0.0
            statuses = {run_id: until_over(host, run_id) for run_id in ids}
            redriven = Counter[str]()
            for run_id in ids:
                while not is_right(statuses[run_id]):
                    redriven[run_id] += 1
                    assert redriven[run_id] <= MOST_REDRIVES, statuses[run_id]
                    redrive(host, run_id)
                    statuses[run_id] = until_over(host, run_id)
            found = {run_id: outcomes(host, run_id) for run_id in ids}
    bus.close()
    assert {*trouble.given} <= {*BRIEF} and trouble.given.total() > 5
    books = Books(AccountTables(storage))
    books.insist_on_conservation()
    for run_id, lines in found.items():
        assert len({line["item_id"] for line in lines}) == len(lines) == ORDERS
        for line in lines:
            books.insist_on(line, run_id)
    assert blobs.get_container_client(f"bad-storage-{seed}").exists()
    print(f"{trouble.given}; redriven: {redriven}")
