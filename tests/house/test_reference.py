"""The reference has every setting, endpoint, error, and field, and no other."""

import json
import re
from collections.abc import Iterable
from pathlib import Path

from fanout import errors
from fanout.models.outcome import ErrorInfo, Outcome
from fanout.models.request import RunRequest
from fanout.models.status import RunStatus
from starters.api import endpoints
from starters.api.openapi import refusals_of

ROOT = Path(__file__).parents[2]
REFERENCE = ROOT / "docs" / "reference"
EXAMPLE = json.loads((ROOT / "local.settings.json.example").read_text())["Values"]
ROOMS = ("fanout", "starters", "activities", "orchestrators", "workloads")


def page(name: str) -> str:
    return (REFERENCE / name).read_text()


def first_cells(text: str) -> set[str]:
    """What is in backquotes in the first column of the tables of a page."""
    rows = re.findall(r"^\| ([^|]+) \|", text, re.M)
    return {name for row in rows for name in re.findall(r"`([^`]+)`", row)}


def sources(rooms: Iterable[str] = ROOMS) -> Iterable[str]:
    return (path.read_text() for room in rooms for path in sorted((ROOT / room).rglob("*.py")))


def test_every_setting_of_the_code_is_there_and_no_other():
    # Nobody but tests has need of the last.
    ours = {name for name in EXAMPLE if name.startswith("FANOUT_")} | {"FANOUT_SCHEDULES_FOLDER"}
    read = {name for text in sources() for name in re.findall(r'"(FANOUT_[A-Z_]+)"', text)}
    read |= set(
        re.findall(
            r"%(FANOUT_[A-Z_]+)%",
            "".join(path.read_text() for path in (ROOT / "schedules").glob("*.json")),
        )
    )
    assert read == ours
    assert first_cells(page("settings.md")) == ours


def test_defaults_of_settings_are_those_of_the_example():
    rows = re.findall(r"^\| `(FANOUT_\w+)` \| [^|]+ \| (\d+) \|$", page("settings.md"), re.M)
    assert len(rows) >= 8
    assert {name: EXAMPLE[name] for name, _ in rows} == dict(rows)


def test_every_problem_that_an_answer_may_have_is_there_and_no_other():
    found = {
        kind
        for text in sources(["starters"])
        for kind in re.findall(r'(?:problem|: )\(\s*HTTPStatus\.\w+, "([a-z-]+)"', text)
    }
    rows = re.findall(r"^\| `([a-z-]+)` \| (\d{3}) \|", page("errors.md"), re.M)
    assert {kind for kind, _ in rows} == found
    assert len(found) >= 11


def test_every_error_of_an_item_and_of_the_core_is_there():
    told = first_cells(page("errors.md"))
    named = {
        name
        for text in sources(["fanout", "activities", "workloads"])
        for name in re.findall(r'"([A-Z][A-Za-z]+Error)"', text)
    }
    raised = {name for name in vars(errors) if name.endswith("Error")}
    assert named | raised <= told


def test_every_endpoint_is_there_with_role_and_statuses_and_no_other():
    found = set(
        re.findall(r"^\| `(\w+ /\S+)` \| (\S+) \| ([\d, ]+) \|", page("endpoints.md"), re.M)
    )
    assert found == {
        (
            f"{e.method} /api/{e.route.replace('{*', '{')}",
            e.role.claim if e.role else "anybody",
            ", ".join(str(int(s)) for s in sorted({*e.answers, *refusals_of(e)})),
        )
        for e in endpoints.ALL
    }


def test_every_field_of_a_request_a_status_and_an_outcome_is_there():
    request = first_cells((ROOT / "docs" / "request.md").read_text())
    tops = {name.partition(".")[0] for name in request}
    assert set(RunRequest.model_fields) <= tops
    status = first_cells(page("status.md"))
    assert set(RunStatus.model_fields) | set(Outcome.model_fields) <= status
    assert all(f"`{name}`" in page("status.md") for name in ErrorInfo.model_fields)


def test_the_http_file_has_every_call():
    text = (ROOT / "docs" / "fanout.http").read_text()
    calls = set(re.findall(r"^(GET|POST|PATCH|DELETE) \{\{url\}\}/api/([^\s?]+)", text, re.M))
    wanted = {
        (e.method, e.route.replace("{run_id}", "{{run_id}}").replace("{*name}", "{{file}}"))
        for e in endpoints.ALL
    }
    wanted = {(m, r.replace("workloads/{name}", "workloads/{{workload}}")) for m, r in wanted}
    assert calls == wanted
