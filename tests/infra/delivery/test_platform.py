"""What the platform reads and what it refuses, as the pages and the template have it."""

import json
import re
from datetime import timedelta

from tests.support.infra_files import ROOT, module

PLANS = (ROOT / "docs" / "reference" / "plans.md").read_text()
ROW = re.compile(r"^\| ([^|]+) \| (none|\d+ min) \| (yes|no) \| [^|]+ \|$", re.M)
PLAN = "Microsoft.Web/serverfarms"
HOST = json.loads((ROOT / "host.json").read_text())


def timeout() -> timedelta:
    hours, minutes, seconds = map(int, HOST["functionTimeout"].split(":"))
    return timedelta(hours=hours, minutes=minutes, seconds=seconds)


def minutes_at_most(text: str) -> timedelta:
    return timedelta.max if text == "none" else timedelta(minutes=int(text.split()[0]))


def test_the_page_of_plans_says_on_which_the_host_does_not_start():
    rows = ROW.findall(PLANS)
    assert len(rows) == PLANS.count("\n| ") - 1
    for plan, limit, starts in rows:
        assert (starts == "yes") == (timeout() <= minutes_at_most(limit)), plan
    assert any("Linux Consumption" in plan and starts == "no" for plan, _, starts in rows)


def test_the_plan_of_the_template_is_one_on_which_it_starts():
    (sku,) = [plan.value["sku"]["name"] for plan in module("function-app").of_type(PLAN)]
    (starts,) = [starts for plan, _, starts in ROW.findall(PLANS) if f"`{sku}`" in plan]
    assert starts == "yes"


def test_whoever_chooses_a_plan_is_told():
    """At the plan of the template, and where the limit stands."""
    template = (ROOT / "infra" / "modules" / "function-app.bicep").read_text()
    plan = template.split("resource plan ")[1].split("\n}\n")[0]
    assert "docs/reference/plans.md" in plan
    assert "(plans.md)" in (ROOT / "docs" / "reference" / "limits.md").read_text()


def test_no_page_and_no_template_switches_a_function_off_by_a_name_that_is_not_read():
    """The host asks for `AzureWebJobs.f.Disabled`, and for the same with one underscore each."""
    files = [
        ROOT / "README.md",
        ROOT / "local.settings.json.example",
        *(ROOT / "docs").rglob("*.md"),
    ]
    files += [*(ROOT / "infra").rglob("*.bicep"), *(ROOT / "infra").rglob("*.json")]
    used = 0
    for path in files:
        for line in path.read_text().splitlines():
            used += bool(re.search(r"AzureWebJobs\.[\w<>{}]+\.Disabled", line))
            if re.search(r"AzureWebJobs__[\w<>{}]+?__Disabled", line):
                assert "not by `AzureWebJobs__" in line, f"{path.name}: {line}"
    assert used >= 3
