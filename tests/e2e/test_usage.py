"""What the status says a run has used is what was counted from outside.

Storage operations are counted in the log of the emulator, activities and messages in the histories
of the store. Nothing here knows how many there should be.
"""

import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from azure.core.exceptions import ResourceExistsError

from fanout.models.usage import STORAGE_OPERATIONS
from fanout.naming import functions
from localhost.host import STORE_FILE
from tests.support.harms.hub_contents import INSTANCES
from tests.support.harms.stored_histories import count_history
from tests.support.hosts.hosts import patient
from tests.support.hosts.logged_storage import LoggedStorage, count_kinds, logged_storage
from tests.support.hosts.product import DEADLINE_SECONDS, Product
from tests.support.hosts.running_product import product_on

pytestmark = pytest.mark.needs_embedded
# What runs by itself would be counted with a run.
ALONE = {
    f"AzureWebJobs.{name}.Disabled": "true"
    for name in (functions.WATCHDOG, functions.START_RUN_OVER_BLOB)
}
AT_ONCE = {"base_seconds": 0.01, "max_seconds": 0.01, "jitter_seconds": 0}
OVER = ("Completed", "Failed", "Terminated")


@dataclass(frozen=True)
class Observed:
    """A product whose storage and histories are looked at from outside."""

    product: Product
    storage: LoggedStorage
    store: Path

    def run(self, request: dict[str, Any], attempt: int = 1) -> tuple[dict[str, Any], Any]:
        """Carry out a run; give its usage, and what was counted of it."""
        self.storage.new_requests()
        answer = self.product.post(request)
        assert answer.status == 202, answer.body
        return self.seen(answer.json["run_id"], answer.json["run_id"])

    def seen(self, run_id: str, instance: str) -> tuple[dict[str, Any], Any]:
        """The usage of an attempt under way once it is over, and what was counted since."""
        self._await_end(instance)
        operations = count_kinds(self.storage.new_requests())
        usage = self.product.status(run_id)["usage"]
        return usage, (operations, count_history(self.store, instance))

    def _await_end(self, instance: str) -> None:
        """Wait without asking the app, which would read storage."""
        deadline = time.monotonic() + patient(DEADLINE_SECONDS)
        while time.monotonic() < deadline:
            answer = self.product.host.get(f"{INSTANCES}/{instance}")
            if answer.status in (200, 500) and answer.json["runtimeStatus"] in OVER:
                return
            time.sleep(0.05)
        raise AssertionError(f"the run is stuck: {answer.body!r}\n{self.product.host.log}")


@pytest.fixture(scope="module")
def observed(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Observed]:
    folder = tmp_path_factory.mktemp("usage")
    with (
        logged_storage(folder) as storage,
        product_on(storage.connection, folder, **ALONE) as product,
    ):
        with suppress(ResourceExistsError):
            product.blobs.create_container("runs")
        yield Observed(product, storage, folder / "data" / STORE_FILE)


def items(count: int, **more: Any) -> list[dict[str, Any]]:
    return [{"id": number, **more} for number in range(count)]


def lines(count: int) -> bytes:
    return b"".join(b'{"id":%d}\n' % number for number in range(count))


def inline(count: int, **more: Any) -> dict[str, Any]:
    source = {"kind": "inline", "items": items(count, **more)}
    return {"workload": "probe", "source": source}


def over_blob(product: Product, count: int) -> dict[str, Any]:
    return {"workload": "probe", "source": product.source(lines(count), "jsonl")}


Make = Callable[[Product], dict[str, Any]]
RUNS: dict[str, Make] = {
    "one item": lambda p: inline(1),
    "no item": lambda p: inline(0),
    "a hundred items in the request": lambda p: inline(100),
    "a thousand lines": lambda p: over_blob(p, 1_000),
    "twenty batches": lambda p: over_blob(p, 1_000) | {"batch": {"max_items": 50}},
    "several shards": lambda p: (
        over_blob(p, 600) | {"batch": {"max_items": 5}, "concurrency": {"batches": 64}}
    ),
    "items that are tried again": lambda p: (
        inline(5, ending="ok", good=3) | {"retry": AT_ONCE | {"max_attempts": 4}}
    ),
    "items that fail": lambda p: inline(8, ending="permanent") | {"tolerance": {"percentage": 100}},
    "a run that is given up": lambda p: inline(8, ending="permanent"),
    "a run that is compensated": lambda p: (
        {"workload": "probe", "on_exceeded": "compensate", "batch": {"max_items": 1}}
        | {"source": {"kind": "inline", "items": [*items(3), {"id": 3, "ending": "permanent"}]}}
    ),
    "a sum of chunks": lambda p: (
        over_blob(p, 300)
        | {"workload": "sum", "batch": {"max_items": 30}, "parameters": {"column": "id"}}
    ),
    "sagas": lambda p: {
        "workload": "voyage",
        "source": {
            "kind": "inline",
            "items": [{"id": "a"}, {"id": "b", "fates": {"pay": "refuse"}}],
        },
        "tolerance": {"percentage": 100},
    },
}


# A dry run knows of nothing that fails in passing, nor of what is undone then.
HARMED = ("items that are tried again", "a run that is compensated")


@pytest.mark.parametrize("name", RUNS)
def test_a_finished_run_says_what_was_counted_from_outside(observed: Observed, name: str):
    request = RUNS[name](observed.product)
    estimate = observed.product.post(request | {"dry_run": True}).json["estimate"]
    usage, (operations, history) = observed.run(request)
    said = usage["storage_operations"]
    assert {kind: said[kind] for kind in STORAGE_OPERATIONS if said[kind]} == operations
    assert said["total"] == sum(operations.values())
    assert usage["activities"] == history.activities
    assert usage["orchestrations"] == history.orchestrations
    assert usage["messages"] == history.messages
    # Each message is a turn at most.
    assert history.turns <= usage["messages"]
    if name not in HARMED:
        insist_on_range(estimate, usage)


def insist_on_range(estimate: dict[str, Any], usage: dict[str, Any]) -> None:
    """Insist that a run has used no more than the worst that its dry run said."""
    expected, worst = estimate["expected"], estimate["worst"]
    for part in ("activities", "messages", "billed_seconds"):
        assert expected[part] <= worst[part]
        assert usage[part] <= worst[part]
    assert usage["storage_operations"]["total"] <= worst["storage_operations"]["total"]
    assert usage["usd"]["total"] <= worst["usd"]["total"]
