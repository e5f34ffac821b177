"""The workflows do what they say, may do no more, and sign in as azd sets it up."""

import json
import os
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.support.infra_files import INFRA, ROOT

GITHUB = ROOT / ".github"
WORKFLOWS = sorted((GITHUB / "workflows").glob("*.yml"))
ACTION = GITHUB / "actions" / "azd"
ZIZMOR = ROOT / ".venv" / "infra" / "bin" / "zizmor"
VARIABLE = re.compile(r"\$\{([A-Z_]+)")
USED = re.compile(r"^\s*(?:- )?uses: (\S+)", re.M)
# The first major version of each that Node 24 runs. GitHub's runners are without Node 20 since
# September 2026:
# https://github.blog/changelog/2025-09-19-deprecation-of-node-20-on-github-actions-runners/
ON_NODE_24 = {
    "actions/checkout": 5,
    "actions/setup-node": 5,
    "actions/setup-python": 6,
    "actions/upload-artifact": 6,
    "azure/login": 3,
    "azure/setup-azd": 2,
}
NEEDED = {
    "AZURE_CLIENT_ID": "00000000-0000-0000-0000-000000000001",
    "AZURE_TENANT_ID": "00000000-0000-0000-0000-000000000002",
    "AZURE_SUBSCRIPTION_ID": "00000000-0000-0000-0000-000000000003",
    "AZURE_ENV_NAME": "production",
    "AZURE_LOCATION": "westeurope",
}


def workflow(name: str) -> dict[Any, Any]:
    found: dict[Any, Any] = yaml.safe_load((GITHUB / "workflows" / name).read_text())
    # YAML 1.1 takes `on` for true.
    return found | {"on": found[True]}


AZURE_DEV = workflow("azure-dev.yml")
JOBS = AZURE_DEV["jobs"]


def commands(job: dict[str, Any]) -> str:
    return "\n".join(step.get("run", "") for step in job["steps"])


def environment(variables: dict[str, str]) -> subprocess.CompletedProcess[str]:
    """What the action does with the variables of a repository."""
    return subprocess.run(
        [sys.executable, ACTION / "environment.py"],
        env=os.environ | {"VARIABLES": json.dumps(variables)},
        capture_output=True,
        text=True,
        check=False,
    )


def carried_out(step: dict[str, Any], folder: Path, **programs: str) -> int:
    """The exit code of a step, as GitHub starts its shell, with programs of ours on the PATH."""
    for name, body in programs.items():
        (folder / name).write_text(f"#!/bin/sh\n{body}\n")
        (folder / name).chmod(0o755)
    shell = (
        ["bash", "--noprofile", "--norc", "-eo", "pipefail"] if "shell" in step else ["bash", "-e"]
    )
    own = {"PATH": f"{folder}:{os.environ['PATH']}", "GITHUB_STEP_SUMMARY": str(folder / "summary")}
    command = [*shell, "-c", step["run"]]
    return subprocess.run(
        command, env=os.environ | own, check=False, capture_output=True
    ).returncode


def exported(variables: dict[str, str]) -> dict[str, str]:
    done = environment(NEEDED | variables)
    assert done.returncode == 0, done.stderr
    return dict(line.split("=", 1) for line in done.stdout.splitlines())


@pytest.mark.parametrize("path", WORKFLOWS, ids=lambda path: path.name)
def test_no_workflow_has_a_secret_and_each_may_only_read(path: Path):
    assert "secrets." not in path.read_text()
    assert workflow(path.name)["permissions"] == {"contents": "read"}


@pytest.mark.parametrize("path", [*WORKFLOWS, ACTION / "action.yml"], ids=lambda path: path.name)
def test_every_action_is_of_github_or_microsoft_and_runs_on_todays_runners(path: Path):
    for used in USED.findall(path.read_text()):
        if used.startswith("./"):
            assert (ROOT / used).exists(), used
            continue
        found = re.fullmatch(r"([\w-]+/[\w-]+)@v(\d+)", used)
        assert found, used
        assert int(found[2]) >= ON_NODE_24[found[1]], used


def test_zizmor_finds_nothing():
    """It looks for what lets a stranger run code in a workflow, or take its token."""
    assert ZIZMOR.exists(), "`make test` installs it; or `make .venv/infra/.setup`"
    done = subprocess.run(
        [ZIZMOR, "--offline", "--strict-collection", "--no-progress", ROOT],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout
    assert "azure-dev.yml" in done.stderr and "action.yml" in done.stderr


def test_ci_runs_what_a_developer_runs():
    jobs = workflow("ci.yml")["jobs"]
    job = jobs["check"]
    runs = [step["run"] for step in job["steps"] if "run" in step]
    assert jobs["audit"]["steps"][-1] == {"run": "make audit"}
    assert runs[-2:] == ["make lint", "make test"]
    assert runs[0] == "make setup PYTHON=python${{ matrix.python }}"
    listed = [ROOT / ".ci" / "python", "--versions"]
    known = subprocess.run(listed, capture_output=True, check=True, text=True).stdout.split()
    assert job["strategy"] == {"fail-fast": False, "matrix": {"python": sorted(known)}}
    assert job["timeout-minutes"] >= 15


def test_azd_finds_the_workflow_and_its_credential_fits_every_token():
    # By pipeline.go and github_provider.go: credentials for main, for the branch that azd is called
    # on and for pull requests, so for no environment and no tag.
    assert (GITHUB / "workflows" / "azure-dev.yml").is_file()
    assert set(AZURE_DEV["on"]) == {"workflow_dispatch", "push", "pull_request"}
    assert AZURE_DEV["on"]["push"] == {"branches": ["main"]}
    for name in ("what-if", "deploy"):
        assert "environment" not in JOBS[name], name
    assert "refs/heads/main" in JOBS["deploy"]["if"]
    assert "event_name == 'pull_request'" in JOBS["what-if"]["if"]


def test_only_what_signs_in_gets_a_token_and_only_where_there_is_an_azure():
    with_token = {name for name, job in JOBS.items() if "id-token" in job.get("permissions", {})}
    assert with_token == {"what-if", "deploy"}
    assert "vars.AZURE_CLIENT_ID != ''" in JOBS["what-if"]["if"]
    # It is needed by the deployment, which is left out with it.
    assert "vars.AZURE_CLIENT_ID != ''" in JOBS["ci"]["if"]
    assert "head.repo.full_name == github.repository" in JOBS["what-if"]["if"]


def test_deployment_waits_for_the_compiler_and_for_ci():
    assert set(JOBS["deploy"]["needs"]) == {"bicep", "ci"}
    assert JOBS["ci"]["uses"] == "./.github/workflows/ci.yml"
    said = commands(JOBS["deploy"])
    order = ["azd provision --no-prompt", "azd deploy --no-prompt", "/api/health"]
    assert sorted(order, key=said.index) == order
    assert JOBS["deploy"]["concurrency"]["cancel-in-progress"] is False


def test_a_pull_request_sees_what_it_would_change_and_changes_nothing():
    said = commands(JOBS["what-if"])
    assert "azd provision --preview --no-prompt" in said
    assert "azd deploy" not in said


def test_a_preview_is_in_the_summary_and_one_that_fails_fails_the_job(tmp_path: Path):
    (step,) = [step for step in JOBS["what-if"]["steps"] if "--preview" in step.get("run", "")]
    assert carried_out(step, tmp_path, azd="echo Create : Storage account") == 0
    assert (tmp_path / "summary").read_text() == "Create : Storage account\n"
    assert carried_out(step, tmp_path, azd="exit 1") == 1
    without = {"run": step["run"]}
    assert carried_out(without, tmp_path, azd="exit 1") == 0, "the shell need not be named"


def test_the_deployment_ends_well_only_if_the_app_is_healthy_where_azd_put_it(tmp_path: Path):
    step = JOBS["deploy"]["steps"][-1]
    azd = '[ "$*" = "env get-value FANOUT_URL" ] && echo https://app.example'
    curl = f'for each; do last=$each; done; echo "$last" > {tmp_path}/asked'
    assert carried_out(step, tmp_path, azd=azd, curl=curl) == 0
    assert (tmp_path / "asked").read_text() == "https://app.example/api/health\n"
    assert carried_out(step, tmp_path, azd=azd, curl="exit 22") == 22
    assert carried_out(step, tmp_path, azd="exit 1", curl=curl) == 1


def test_the_sign_in_is_by_a_token_of_the_run_for_azd_and_for_the_hooks_az():
    steps = yaml.safe_load((ACTION / "action.yml").read_text())["runs"]["steps"]
    assert "--federated-credential-provider github" in steps[-1]["run"]
    (login,) = [step for step in steps if step.get("uses", "").startswith("azure/login@")]
    assert set(login["with"]) == {"client-id", "tenant-id", "subscription-id"}
    for name in ("what-if", "deploy"):
        (used,) = [step for step in JOBS[name]["steps"] if "actions/azd" in step.get("uses", "")]
        assert used["with"] == {"variables": "${{ toJSON(vars) }}"}


def test_every_variable_of_the_template_reaches_azd_from_the_repository():
    wanted = set(VARIABLE.findall((INFRA / "main.parameters.json").read_text()))
    # azd overwrites these with whoever signed in.
    wanted -= {"AZURE_PRINCIPAL_ID", "AZURE_PRINCIPAL_TYPE"}
    assert len(wanted) > 15
    values = dict.fromkeys(wanted, "1")
    assert wanted <= set(exported(values))


def test_what_azd_does_not_know_and_what_is_empty_stays_away():
    assert exported({"PATH": "/tmp", "NODE_OPTIONS": "--x", "FANOUT_INBOX": ""}) == NEEDED


@pytest.mark.parametrize(
    ("variables", "named"),
    [
        ({"AZURE_LOCATION": ""}, "AZURE_LOCATION"),
        ({"FANOUT_INBOX": "true\nPATH=/tmp"}, "FANOUT_INBOX"),
        ({"FANOUT_INBOX": "true\u2028PATH=/tmp"}, "FANOUT_INBOX"),
    ],
)
def test_variables_that_would_go_wrong_are_refused_by_name(variables: dict[str, str], named: str):
    done = environment(NEEDED | variables)
    assert done.returncode == 1
    assert done.stdout == ""
    assert done.stderr.startswith("::error::") and named in done.stderr
