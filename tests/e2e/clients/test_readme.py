"""The README's "Add your own workload", followed word for word in a copy of the repository."""

import json
import re
import time
from pathlib import Path

import pytest

from tests.support.hosts.hosts import chosen, patient
from tests.support.hosts.newcomer import ROOT, copied_to, sh

HEADING = "## Add your own workload"
FILE = re.compile(r"`([\w/]+\.py)`:\n\n```python\n(.*?)```", re.DOTALL)
COMMANDS = re.compile(r"```sh\n(.*?)```", re.DOTALL)
DEADLINE_SECONDS = 60


@pytest.fixture(scope="module")
def section() -> str:
    text = (ROOT / "README.md").read_text()
    return text.split(HEADING)[1].split("\n## ")[0]


@pytest.fixture
def copy(tmp_path: Path) -> Path:
    return copied_to(tmp_path)


@pytest.mark.needs_settings
def test_a_workload_is_added_as_the_readme_says(
    section: str, copy: Path, storage: str, tmp_path: Path
):
    files = FILE.findall(section)
    assert [name for name, _ in files] == [
        "workloads/parcels.py",
        "tests/unit/workloads/test_parcels.py",
    ]
    for name, content in files:
        (copy / name).write_text(content)
    run, test = COMMANDS.findall(section)

    environment = {"FANOUT_STORAGE": storage, "FANOUT_RUNS_CONTAINER": "readme"}
    with chosen().running(copy, tmp_path, "--no-stack", environment=environment) as host:
        started, *looks = (f"curl {c}" for c in run.split("curl ")[1:])
        at = f"127.0.0.1:{host.port}"
        told = json.loads(sh(started.replace("localhost:7071", at), copy))
        assert told["run_id"] == "parcels-1"
        deadline = time.monotonic() + patient(DEADLINE_SECONDS)
        status, items = ({}, {})
        while status.get("phase") != "done":
            assert time.monotonic() < deadline, host.log
            status, items = (
                json.loads(sh(look.replace("localhost:7071", at), copy)) for look in looks
            )
    assert status["outcome"] == "partially_succeeded"
    found = {line["item_id"]: line for line in items["items"]}
    assert found["book"]["output"] == {"cents": 330}
    assert found["anvil"]["error"]["message"] == "50000 g is more than we carry"
    assert "grams: Field required" in found["2"]["error"]["message"]

    assert "2 passed" in sh(test, copy)
