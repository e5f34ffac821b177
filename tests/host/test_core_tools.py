"""The steps of the workflow on Core Tools; no lane has these, so the embedded host is `func`."""

import os
import subprocess
import sys
from pathlib import Path

from rig.processes import REPOSITORY, free_port
from tests.support.hosts.host_process import running

STAND_IN = REPOSITORY / "tests" / "support" / "live" / "func_stand_in.py"
WORKFLOW = REPOSITORY / ".github" / "workflows" / "core-tools.yml"


def carry_out(script: str, *words: str, **environment: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [str(REPOSITORY / ".ci" / script), *words],
        cwd=REPOSITORY,
        env=os.environ | environment,
        capture_output=True,
        text=True,
        check=False,
    )


def test_the_script_starts_storage_and_host_runs_the_tests_and_leaves_nothing(tmp_path: Path):
    done = carry_out(
        "core-tools",
        FUNC=f"{sys.executable} {STAND_IN}",
        PORT=str(free_port()),
        BIN=str(Path(sys.executable).parent),
        MAKE="make -o setup",
        TESTS="tests/e2e/test_diagnosis.py tests/e2e/triggers/test_inbox.py",
        CORE_TOOLS_FOLDER=str(tmp_path),
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert "2 passed, 1 skipped" in done.stdout
    assert "needs_settings: http://localhost:" in done.stdout
    assert "AccountKey" not in done.stdout + done.stderr
    assert {path.name for path in tmp_path.glob("*.log")} == {"azurite.log", "host.log"}
    assert "AccountKey" not in (tmp_path / "host.log").read_text()


def test_a_host_that_does_not_come_up_is_told_with_what_it_said(tmp_path: Path):
    done = carry_out(
        "core-tools",
        FUNC=f"{sys.executable} -c raise(SystemExit('it_is_broken'))",
        PORT=str(free_port()),
        BIN=str(Path(sys.executable).parent),
        CORE_TOOLS_FOLDER=str(tmp_path),
    )
    assert done.returncode == 1
    assert "The host did not come up; it said:" in done.stdout
    assert "it_is_broken" in done.stdout


def test_the_app_of_the_tests_is_a_folder_of_its_own(tmp_path: Path):
    folder = tmp_path / "probe"
    assert carry_out("probe-app", str(folder)).returncode == 0
    assert carry_out("probe-app", str(folder)).returncode == 1, "it is not empty"
    settings = {
        "FANOUT_STORAGE": "AccountName=a;AccountKey=YQ==;BlobEndpoint=http://127.0.0.1:9/a;"
        "TableEndpoint=http://127.0.0.1:9/a",
    }
    with running(folder, tmp_path, "--no-stack", environment=settings) as host:
        listed = host.get("/api/workloads").json["workloads"]
    assert {"probe", "errands", "trips", "reports"} <= {one["name"] for one in listed}


def test_the_workflow_runs_the_script_nightly_and_for_changes_on_three_pythons():
    text = WORKFLOW.read_text()
    assert "run: .ci/core-tools" in text
    assert 'python: ["3.11", "3.12", "3.13"]' in text
    assert "pull_request:" in text
    assert "schedule:" in text
    assert "azure-functions-core-tools@4" in text
