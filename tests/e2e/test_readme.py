"""The README's "Add your own workload", followed word for word in a copy of the repository."""

import json
import os
import re
import shutil
import subprocess
import time
from pathlib import Path

import pytest

from tests.support.host_process import running

ROOT = Path(__file__).parents[2]
HEADING = "## Add your own workload"
FILE = re.compile(r"`([\w/]+\.py)`:\n\n```python\n(.*?)```", re.DOTALL)
COMMANDS = re.compile(r"```sh\n(.*?)```", re.DOTALL)
LEFT_OUT = {".git", ".venv", "node_modules", ".localhost", ".demo", ".bench", ".hypothesis"}
DEADLINE_SECONDS = 60
# What setup has done, in its order; in the copy it is done, and nothing of ours is made anew.
STAMPS = (".venv/.setup", "node_modules/.setup", ".venv/.browser", ".venv/infra/.setup")


@pytest.fixture(scope="module")
def section() -> str:
    text = (ROOT / "README.md").read_text()
    return text.split(HEADING)[1].split("\n## ")[0]


@pytest.fixture
def copy(tmp_path: Path) -> Path:
    """The repository as a newcomer has it after `make setup`."""
    copied = tmp_path / "fanout"
    shutil.copytree(ROOT, copied, ignore=lambda _, names: LEFT_OUT & set(names))
    (copied / ".venv").mkdir()
    for made in (ROOT / ".venv").resolve().iterdir():
        if made.name not in ("infra", ".setup", ".browser"):
            (copied / ".venv" / made.name).symlink_to(made)
    for stamp in STAMPS:
        (copied / stamp).parent.mkdir(exist_ok=True)
        (copied / stamp).touch()
    return copied


def sh(commands: str, folder: Path) -> str:
    done = subprocess.run(
        ["sh", "-e", "-c", commands],
        cwd=folder,
        env={k: v for k, v in os.environ.items() if not k.startswith("PYTEST_")},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


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
    with running(copy, tmp_path, "--no-stack", environment=environment) as host:
        started, *looks = (f"curl {c}" for c in run.split("curl ")[1:])
        at = f"127.0.0.1:{host.port}"
        told = json.loads(sh(started.replace("localhost:7071", at), copy))
        assert told["run_id"] == "parcels-1"
        deadline = time.monotonic() + DEADLINE_SECONDS
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
