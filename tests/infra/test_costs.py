"""The figures of what it costs are those of the code that reckons them for a request."""

import json
import re
from types import SimpleNamespace

import azure.functions as func

from fanout.models.estimate import Estimate
from starters import watchdog
from starters.lifecycle import dry_run
from tests.support.infra_files import INFRA, ROOT
from workloads import registry

README = (INFRA / "README.md").read_text()
ROW = re.compile(r"^\| ([\d,]+) items? \| ([\d,]+) \| ([\d,]+) \| ([\d.]+) \|$", re.M)
MILLION = 1_000_000
MONTH_SECONDS = 30 * 24 * 3600
# It looks at each queue so often, whatever host.json says.
SCALE_CONTROLLER_SECONDS = 10


def whole(text: str) -> int:
    return int(text.replace(",", ""))


def estimate(batches: int) -> Estimate:
    request = SimpleNamespace(concurrency=SimpleNamespace(batches=64))
    load = dry_run._load(registry.get("notifications"), batches, MILLION)
    return dry_run._estimate(request, batches, load, is_adaptive=False)  # type: ignore[arg-type]


def watchdog_schedule() -> str:
    app = func.FunctionApp()
    app.register_functions(watchdog.bp)
    (function,) = app.get_functions()
    return str(function.get_trigger().get_dict_repr()["schedule"])


def test_a_million_items_cost_what_a_dry_run_says():
    rows = ROW.findall(README)
    assert len(rows) == 4
    for size, activities, operations, dollars in rows:
        reckoned = estimate(MILLION // whole(size))
        assert whole(activities) == reckoned.activities
        assert whole(operations) == reckoned.storage_operations
        assert float(dollars) == reckoned.least_cost_dollars


def test_the_prices_are_those_of_the_dry_run():
    for price in (
        f"{dry_run.DOLLARS_A_MILLION_EXECUTIONS:.2f} a million executions",
        f"{dry_run.DOLLARS_A_GB_SECOND:f} a GB-second",
        f"{dry_run.DOLLARS_TEN_THOUSAND_BLOB_OPERATIONS:.2f} ten thousand blob operations",
        f"{dry_run.DOLLARS_TEN_THOUSAND_HISTORY_OPERATIONS:.4f} ten\nthousand operations",
    ):
        assert price in README


def test_what_it_costs_at_rest_is_reckoned_right():
    durable = json.loads((ROOT / "host.json").read_text())["extensions"]["durableTask"]
    queues = durable["storageProvider"]["partitionCount"] + 1
    seconds = float(durable["storageProvider"]["maxQueuePollingInterval"].rpartition(":")[2])
    for pause in (seconds, SCALE_CONTROLLER_SECONDS):
        polls = queues * int(MONTH_SECONDS // pause)
        polling = polls * dry_run.DOLLARS_TEN_THOUSAND_HISTORY_OPERATIONS / 1e4
        assert f"= {polls:,} operations | {polling:.2f} |" in README
    beats = MONTH_SECONDS // 30
    assert watchdog_schedule() == "*/30 * * * * *"
    watchdog = beats * (
        dry_run.DOLLARS_A_MILLION_EXECUTIONS / 1e6
        + dry_run.MIN_BILLED_SECONDS * dry_run.INSTANCE_GB * dry_run.DOLLARS_A_GB_SECOND
    )
    assert f"= {beats:,} executions; x 1 s x 2 GB x 0.000026 | {watchdog:.2f} |" in README
    assert f"{int(MONTH_SECONDS * dry_run.INSTANCE_GB):,} GB-s" in README
