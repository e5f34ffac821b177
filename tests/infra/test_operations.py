"""The page for those who operate Fanout says what the code and the template say."""

import json
import re

from fanout.adapters.telemetry.metrics import ALL as ALL_METRICS
from tests.support.bicep import read_bicep
from tests.support.infra_files import INFRA, MAIN, ROOT, module

PAGE = (ROOT / "docs" / "operations.md").read_text()
README = (INFRA / "README.md").read_text()
HOST = json.loads((ROOT / "host.json").read_text())
EXAMPLE = json.loads((ROOT / "local.settings.json.example").read_text())["Values"]
PARAMETERS = (INFRA / "main.parameters.json").read_text()
ROW = re.compile(r"^\| ([^|]+) \| ([^|]+) \| ([^|]+) \|$", re.M)


def limits() -> dict[str, tuple[str, str]]:
    table = PAGE.split("## Limits, and what moves each")[1].split("\n## ")[0]
    return {what: (now, moved) for what, now, moved in ROW.findall(table)}


def test_every_alert_is_on_both_pages_and_no_other():
    file = module("alerts")
    wanted = {
        each["name"] for name in ("logAlerts", "queueAlerts") for each in file.variables[name]
    }
    for page in (PAGE.split("## When an alert fires")[1].split("\n## ")[0], README):
        rows = re.findall(r"^\| ((?:`[\w-]+`(?:, )?)+) \|", page, re.M)
        named = {name for row in rows for name in re.findall(r"`([\w-]+)`", row)}
        assert wanted <= named
        assert {name for name in named if "-" in name} <= wanted


def test_every_setting_that_is_named_exists():
    known = set(EXAMPLE) | set(re.findall(r"\$\{(\w+)", PARAMETERS))
    known |= set(re.findall(r"output (\w+) ", MAIN.read_text()))
    known |= {"FANOUT_OPERATORS_ID"}
    for page in (PAGE, README):
        assert set(re.findall(r"\bFANOUT_[A-Z_]+", page)) - known == set()


def test_the_limits_are_those_in_force():
    durable = HOST["extensions"]["durableTask"]
    found = limits()
    at_once = str(durable["maxConcurrentActivityFunctions"])
    assert found["activities at once, an instance"][0] == at_once
    orchestrators = str(durable["maxConcurrentOrchestratorFunctions"])
    assert found["orchestrators at once, an instance"][0] == orchestrators
    partitions = durable["storageProvider"]["partitionCount"]
    assert found["instances that run orchestrators"][0].startswith(f"{partitions},")
    assert found["runs at once"][0].startswith(f"{EXAMPLE['FANOUT_MAX_RUNS']},")
    instances = read_bicep(MAIN).params["maximumInstanceCount"].value
    assert found["instances, each scale group"][0] == str(instances)
    messages = HOST["extensions"]["serviceBus"]["maxConcurrentCalls"]
    assert found["messages at once, an instance"][0].startswith(f"{messages},")
    assert HOST["functionTimeout"] == "00:30:00"
    assert found["one activity"][0] == "30 min"
    assert f"{instances} instances of {at_once} activities are {instances * int(at_once):,}" in PAGE


def test_the_private_endpoints_are_counted():
    words = {6: "six", 7: "seven", 8: "eight", 9: "nine"}
    found = module("network").variables
    least = len(found["storageTargets"])
    most = least + len(found["busTargets"].no) + len(found["vaultTargets"].no)
    assert f"{words[least]} to {words[most]} private endpoints" in PAGE


def test_each_metric_has_one_row():
    metrics = re.findall(r"^\| `(fanout\.[a-z_.]+)` \|", README, re.M)
    assert sorted(metrics) == sorted(one.name for one in ALL_METRICS)
