"""The figures of what it costs are those of the code that reckons them for a request."""

import json
import re

import azure.functions as func
import pytest

from bench import costs
from fanout.pricing.azure import INSTANCE_GB
from fanout.pricing.billing import LEAST_BILLED_MS
from fanout.pricing.prices import prices
from starters import watchdog
from tests.support.bicep import read_bicep
from tests.support.infra_files import INFRA, MAIN, ROOT, module

README = (INFRA / "README.md").read_text()
MONTH_HOURS = 30 * 24
MONTH_SECONDS = MONTH_HOURS * 3600
ROW = re.compile(
    r"^\| (?:\*\*)?([^|]+?)(?:\*\*)? \| ([^|]*?) ?\| (?:\*\*)?([^|]+?)(?:\*\*)? \|$", re.M
)
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


def at_rest() -> dict[str, tuple[str, str]]:
    """The rows of both tables: what, its reckoning, dollars."""
    section = README.split("**At rest**")[1]
    return {what: (how, dollars) for what, how, dollars in ROW.findall(section)}


def polling(pause: float) -> tuple[int, float]:
    """How often the queues of the task hub are looked at in a month, and what that costs."""
    durable = json.loads((ROOT / "host.json").read_text())["extensions"]["durableTask"]
    queues = durable["storageProvider"]["partitionCount"] + 1
    polls = queues * int(MONTH_SECONDS // pause)
    return polls, prices().azure["queue_operation"].of(polls)


def always_ready() -> tuple[float, float]:
    """What an instance costs for being there, and for polling as often as host.json says."""
    durable = json.loads((ROOT / "host.json").read_text())["extensions"]["durableTask"]
    pause = float(durable["storageProvider"]["maxQueuePollingInterval"].rpartition(":")[2])
    there = prices().azure["always_ready_gb_second"].of(MONTH_SECONDS * INSTANCE_GB)
    return there, polling(pause)[1]


def log_alerts() -> set[str]:
    return {each["name"] for each in module("alerts").variables["logAlerts"]}


def log_alerts_of_service_bus() -> set[str]:
    """Those that are made where there is a namespace only."""
    made = module("alerts").only("Microsoft.Insights/scheduledQueryRules").condition
    found = re.fullmatch(r"each\.name != '([\w-]+)' \|\| !empty\(serviceBusId\)", str(made))
    assert found, made
    assert found[1] in log_alerts()
    return {found[1]}


def endpoint() -> float:
    azure = prices().azure
    zone = azure["private_zone_month"].of(1)
    return azure["private_endpoint_hour"].of(MONTH_HOURS) + zone


def test_what_it_costs_at_rest_is_reckoned_right():
    azure = prices().azure
    rows = at_rest()
    beats = MONTH_SECONDS // 30
    assert watchdog_schedule() == "*/30 * * * * *"
    gb_seconds = beats * LEAST_BILLED_MS / 1000 * INSTANCE_GB
    watching = azure["execution"].of(beats) + azure["gb_second"].of(gb_seconds)
    how, dollars = rows["watchdog"]
    assert f"= {beats:,} executions; x 1 s x 2 GB x {azure['gb_second'].usd:.6f}" in how
    assert dollars == f"{watching:.2f}"
    polls, asking = polling(SCALE_CONTROLLER_SECONDS)
    how, dollars = rows["polling of the task hub by the scale controller"]
    assert how.endswith(f"= {polls:,} operations")
    assert dollars == f"{asking:.2f}"
    rules = len(log_alerts()) - len(log_alerts_of_service_bus())
    alerting = azure["log_alert_month"].of(rules)
    assert rows["log alerts"] == (f"{rules} rules x 1.50", f"{alerting:.2f}")
    assert rows["all"] == ("", f"{watching + asking + alerting:.2f}")


def test_what_is_switched_on_besides_is_reckoned_right():
    azure = prices().azure
    rows = {what: dollars for what, (_, dollars) in at_rest().items()}
    there, asking = always_ready()
    assert rows["an instance that is always ready"] == f"{there:.2f}"
    assert rows["its polling of the task hub"] == f"{asking:.2f}"
    standard = azure["service_bus_standard_hour"].of(MONTH_HOURS)
    premium = azure["service_bus_premium_hour"].of(MONTH_HOURS)
    assert rows["Service Bus, Standard"] == f"{standard:.2f}"
    assert rows["Service Bus, Premium, with `vnetEnabled`"] == f"{premium:.2f}"
    series = len(module("alerts").variables["queueAlerts"])
    watching = azure["metric_alert_month"].of(series)
    watching += azure["log_alert_month"].of(len(log_alerts_of_service_bus()))
    assert rows["its alerts, `oldest-message` among them"] == f"{watching:.2f}"
    network = (INFRA / "modules" / "network.bicep").read_text()
    reached = set(re.findall(r"name: '((?:host|data)-\w+)'", network))
    zones = set(re.findall(r"'privatelink\.(blob|queue|table)\.", network))
    storage = len(reached) * azure["private_endpoint_hour"].of(MONTH_HOURS)
    storage += azure["private_zone_month"].of(len(zones))
    assert rows["network"] == f"{storage:.2f}"
    assert rows["Service Bus or vault in it"] == f"{endpoint():.2f}"
    gateway = azure["nat_gateway_hour"].of(MONTH_HOURS)
    address = azure["public_address_hour"].of(MONTH_HOURS)
    assert rows["NAT gateway with its address"] == f"{gateway + address:.2f}"


def parameter_rows() -> dict[str, list[str]]:
    """The table of parameters: what stands beside each."""
    table = README.split("## Parameters")[1].split("\n## ")[0]
    lines = [line for line in table.splitlines() if line.startswith("| `")]
    cells = [[cell.strip() for cell in line.strip("|").split(" | ")] for line in lines]
    return {first.strip("` "): rest for first, *rest in cells}


def test_every_parameter_has_its_cost_and_whether_it_may_change_later():
    rows = parameter_rows()
    by_hand = {"appSettingOverrides", "currentMonth"}
    assert set(rows) == set(read_bicep(MAIN).params) - by_hand
    for name, cells in rows.items():
        assert len(cells) == 5, name
        _, _, what, month, later = cells
        assert what, name
        assert month, name
        assert re.match(r"(yes|no|on only)(: |$)", later), (name, later)


def test_every_parameter_has_the_default_of_the_template():
    declared = read_bicep(MAIN).params
    words = {"": {"none", "by rule", "`location`", "this month"}, None: {"asked"}}
    words |= {True: {"`true`"}, False: {"`false`"}}
    for name, (_, told, *_) in parameter_rows().items():
        default = declared[name].value
        if name == "principalId":
            assert told == "whoever deploys"
        elif isinstance(default, bool) or default in ("", None):
            assert told in words[default], name
        else:
            assert told == f"`{default}`", name


def test_the_prices_beside_the_switches_are_those_reckoned_below():
    rows = parameter_rows()
    below = {what: dollars for what, (_, dollars) in at_rest().items()}
    beside = {name: re.findall(r"\d+\.\d\d", cells[3]) for name, cells in rows.items()}
    standard, premium = "Service Bus, Standard", "Service Bus, Premium, with `vnetEnabled`"
    assert beside["serviceBusEnabled"] == [
        below[standard],
        below[premium],
        below["its alerts, `oldest-message` among them"],
    ]
    assert beside["vnetEnabled"] == [below["network"], below["Service Bus or vault in it"]]
    assert beside["durableAlwaysReady"] == [f"{sum(always_ready()):.2f}"]
    assert beside["logRetentionDays"] == [f"{prices().azure['log_gb_month'].usd:.2f}"]
