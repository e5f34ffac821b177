"""The figures of what it costs are those of the code that reckons them for a request."""

import json

import azure.functions as func
import pytest

from bench import costs
from fanout.pricing.azure import INSTANCE_GB
from fanout.pricing.billing import LEAST_BILLED_MS
from fanout.pricing.prices import prices
from starters import watchdog
from tests.support.infra_files import INFRA, ROOT

README = (INFRA / "README.md").read_text()
MONTH_SECONDS = 30 * 24 * 3600
# It looks at each queue so often, whatever host.json says.
SCALE_CONTROLLER_SECONDS = 10


def watchdog_schedule() -> str:
    app = func.FunctionApp()
    app.register_functions(watchdog.bp)
    (function,) = app.get_functions()
    return str(function.get_trigger().get_dict_repr()["schedule"])


def test_the_page_has_the_figures_that_the_code_works_out():
    page = costs.PAGE.read_text()
    assert set(costs.sections()) == {name for _, name, _ in costs.SECTION.findall(page)}
    assert costs.render(page) == page


@pytest.mark.parametrize("stale", ["| 1,000 | ", "0.0000166667"])
def test_a_figure_that_is_no_longer_true_is_found(stale: str):
    page = costs.PAGE.read_text()
    assert stale in page
    assert costs.render(page.replace(stale, "| 1,001 | ")) == page


def test_what_it_costs_at_rest_is_reckoned_right():
    durable = json.loads((ROOT / "host.json").read_text())["extensions"]["durableTask"]
    queues = durable["storageProvider"]["partitionCount"] + 1
    seconds = float(durable["storageProvider"]["maxQueuePollingInterval"].rpartition(":")[2])
    azure = prices().azure
    for pause in (seconds, SCALE_CONTROLLER_SECONDS):
        polls = queues * int(MONTH_SECONDS // pause)
        polling = azure["queue_operation"].of(polls)
        assert f"= {polls:,} operations | {polling:.2f} |" in README
    beats = MONTH_SECONDS // 30
    assert watchdog_schedule() == "*/30 * * * * *"
    gb_seconds = beats * LEAST_BILLED_MS / 1000 * INSTANCE_GB
    watching = azure["execution"].of(beats) + azure["gb_second"].of(gb_seconds)
    assert f"= {beats:,} executions; x 1 s x 2 GB x 0.000026 | {watching:.2f} |" in README
    assert f"{int(MONTH_SECONDS * INSTANCE_GB):,} GB-s" in README
