"""A run of each kind of workload, and what must be true of it when it has ended right.

What is expected comes from outside: the ledgers, what a receiver has got, sums over what was sent.
"""

import csv
import io
import json
import random
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, Protocol

from azure.storage.blob import ContainerClient
from PIL import Image

from fanout.adapters.settings import StorageSettings
from fanout.adapters.tables import TableStore
from samples.images import photos
from tests.support.services.receiver import Receiver
from tests.support.workloads.chaotic_orders import CUSTOMERS, PIECES, SKUS
from tests.support.workloads.ledger_workload import MAX_ATTEMPTS, Ledger, fate_of
from tests.support.workloads.order_books import AccountTables, Books
from workloads.orders.inventory import Inventory
from workloads.orders.wallet import Wallet

RETRY = {
    "max_attempts": MAX_ATTEMPTS,
    "base_seconds": 0.1,
    "max_seconds": 0.3,
    "jitter_seconds": 0.1,
}
ORDERS, ERRANDS, ROWS, RECIPIENTS = 6, 30, 60, 4
CITIES = ("Oslo", "Rome", "Bern")
PHOTOS = ("rocket.jpg", "camera.png")


class Results(Protocol):
    """The result files of a run."""

    def file(self, name: str) -> bytes: ...

    def outcomes(self) -> list[dict[str, Any]]: ...


@dataclass(frozen=True)
class Kind:
    """A kind of run.

    Attributes:
        items: How many items each of its runs has.
        request: Makes the request of a run; takes its id and its number.
        check: Raises where a run that has ended right has other results than it must.
    """

    items: int
    request: Callable[[str, int], dict[str, Any]]
    check: Callable[[str, Results], None]


class World:
    """What the runs of a test work on, and what came of it.

    Args:
        storage: The connection string of the storage, which never fails.
        inbox: Where sources are.
        ledger: The ledger of errands, and where it is.
        receiver: Takes the webhooks.
        chance: Draws customers.
    """

    def __init__(
        self,
        storage: str,
        inbox: ContainerClient,
        ledger: tuple[Ledger, str],
        receiver: Receiver,
        chance: random.Random,
    ) -> None:
        self.storage, self.inbox, self.chance = storage, inbox, chance
        (self.ledger, self.path), self.receiver = ledger, receiver
        self._fill()

    def _fill(self) -> None:
        tables = TableStore.connect(StorageSettings(connection_string=self.storage))
        for sku in SKUS:
            Inventory(tables).receive("main", sku, PIECES, f"bad-storage/{sku}")
        for customer in CUSTOMERS:
            Wallet(tables).deposit(customer, "EUR", Decimal("180.00"), f"bad-storage/{customer}")
        rows = [f"{CITIES[n % len(CITIES)]},{n}" for n in range(ROWS)]
        self.inbox.upload_blob("rows.csv", "\n".join(["city,n", *rows, ""]), overwrite=True)
        for name in PHOTOS:
            self.inbox.upload_blob(f"album/{name}", photos()[name], overwrite=True)

    @property
    def kinds(self) -> dict[str, Kind]:
        """Each kind by the name of its workload."""
        return {
            "ledger": Kind(ERRANDS, self._errands, self._check_errands),
            "sum": Kind(ROWS, self._sum, self._check_sum),
            "chaotic-orders": Kind(ORDERS, self._orders, self._check_orders),
            "notifications": Kind(RECIPIENTS, self._notifications, self._check_notifications),
            "images": Kind(len(PHOTOS), self._images, self._check_images),
            "reports": Kind(ROWS, self._report, self._check_report),
        }

    def insist_on_conservation(self) -> None:
        """Money and stock are where they were put, and each effect of the ledger is one."""
        Books(AccountTables(self.storage)).insist_on_conservation()
        keys = [key for key, _ in self.ledger.rows("effects")]
        assert len(keys) == len(set(keys))

    def _errands(self, run_id: str, number: int) -> dict[str, Any]:
        items = [{"id": number * ERRANDS + n} for n in range(ERRANDS)]
        return _inline(items) | {"parameters": {"path": self.path}, "batch": {"max_items": 15}}

    def _check_errands(self, run_id: str, results: Results) -> None:
        found = {int(line["item_id"]): line["status"] for line in results.outcomes()}
        ends = {item: "failed" if fate_of(item).is_permanent else "succeeded" for item in found}
        assert found == ends and len(found) == ERRANDS
        good = {item for item, status in ends.items() if status == "succeeded"}
        rows = [item for key, item in self.ledger.rows("effects") if key.startswith(f"{run_id}/")]
        assert Counter(rows) == dict.fromkeys(good, 1)

    def _table(self) -> dict[str, Any]:
        source = {"kind": "csv", "container": self.inbox.container_name, "blob": "rows.csv"}
        return {"source": source, "batch": {"max_items": 20}}

    def _sum(self, run_id: str, number: int) -> dict[str, Any]:
        return self._table() | {"parameters": {"column": "n"}}

    def _check_sum(self, run_id: str, results: Results) -> None:
        made = json.loads(results.file("sum.json"))
        assert made["sum"] == sum(range(ROWS))
        assert len(made["began"]) == len(set(made["began"]))

    def _report(self, run_id: str, number: int) -> dict[str, Any]:
        report = {"name": "cities", "group_by": ["city"], "metrics": {"n": ["count", "sum"]}}
        return self._table() | {"parameters": {"reports": [report]}}

    def _check_report(self, run_id: str, results: Results) -> None:
        text = results.file("report-cities.csv").decode("utf-8-sig")
        found = {
            row[0]: [float(cell) for cell in row[1:]]
            for row in [*csv.reader(io.StringIO(text))][1:]
        }
        numbers = {city: range(first, ROWS, len(CITIES)) for first, city in enumerate(CITIES)}
        assert found == {city: [len(n), len(n), sum(n)] for city, n in numbers.items()}
        assert b"</html>" in results.file("report.html")

    def _orders(self, run_id: str, number: int) -> dict[str, Any]:
        address = {"name": "A", "street": "B", "country": "C"}
        lines = [{"sku": "pen", "quantity": 1, "unit_price": "1.10"}]
        shared = {"currency": "EUR", "address": address, "lines": lines}
        items = [
            {"id": f"o{number * ORDERS + n}", "customer": self.chance.choice(CUSTOMERS)} | shared
            for n in range(ORDERS)
        ]
        return _inline(items) | {"batch": {"max_items": 3}}

    def _check_orders(self, run_id: str, results: Results) -> None:
        books, lines = Books(AccountTables(self.storage)), results.outcomes()
        assert len({line["item_id"] for line in lines}) == len(lines) == ORDERS
        for line in lines:
            books.insist_on(line, run_id)

    def _notifications(self, run_id: str, number: int) -> dict[str, Any]:
        items = [
            {"id": f"p{n}", "webhook": f"{self.receiver.origin}/{run_id}/{n}", "fields": {"n": n}}
            for n in range(RECIPIENTS)
        ]
        template = {"webhook": {"body": '{"n": {{ n | tojson }}}'}}
        parameters = {"templates": template, "sender": {}}
        return _inline(items) | {"parameters": parameters, "batch": {"max_items": 2}}

    def _check_notifications(self, run_id: str, results: Results) -> None:
        lines = results.outcomes()
        assert {line["status"] for line in lines} == {"succeeded"} and len(lines) == RECIPIENTS
        heard = [one for one in self.receiver.received if one.path.startswith(f"/{run_id}/")]
        keys = {(one.path, one.headers["idempotency-key"]) for one in heard}
        assert Counter(path for path, _ in keys) == {f"/{run_id}/{n}": 1 for n in range(RECIPIENTS)}
        assert len(heard) == len(keys), "a message was sent twice, though nobody died"

    def _images(self, run_id: str, number: int) -> dict[str, Any]:
        source = {
            "kind": "listing",
            "container": self.inbox.container_name,
            "prefix": "album/",
        }
        wanted = [{"max_width": 64, "format": "webp"}]
        return {"source": source, "parameters": {"renditions": wanted}, "batch": {"max_items": 1}}

    def _check_images(self, run_id: str, results: Results) -> None:
        lines = results.outcomes()
        assert sorted(line["item_id"] for line in lines) == sorted(f"album/{n}" for n in PHOTOS)
        for line in lines:
            assert line["status"] == "succeeded", line
            for rendition in line["output"]["renditions"]:
                assert Image.open(io.BytesIO(results.file(rendition["file"]))).width == 64
        index = json.loads(results.file("index.json"))
        assert len(index["photos"]) == len(PHOTOS)


def _inline(items: list[dict[str, Any]]) -> dict[str, Any]:
    return {"source": {"kind": "inline", "items": items}}
