"""azd, the package, the pipelines: what they name exists, and nothing secret or idle goes along."""

import fnmatch
import json
import re
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.support.bicep import read_bicep
from tests.support.infra_files import INFRA, MAIN, ROOT, module

AZURE = yaml.safe_load((ROOT / "azure.yaml").read_text())
PARAMETERS = json.loads((INFRA / "main.parameters.json").read_text())["parameters"]
DECLARED = read_bicep(MAIN).params
VARIABLE = re.compile(r"\$\{([A-Z_]+)(=(.*))?\}")
# Written into the file by hand, for an object has no place in a variable; and the day of today.
NOT_FROM_ENVIRONMENT = {"appSettingOverrides", "currentMonth"}
WORKFLOWS = ROOT / ".github" / "workflows"
# What the app is made of; the rest of the repository stays at home.
DEPLOYED = {
    "activities",
    "dashboard",
    "fanout",
    "orchestrators",
    "schedules",
    "starters",
    "workloads",
    "function_app.py",
    "host.json",
    "requirements.txt",
    "requirements.lock.txt",
    "LICENSE",
}


def converted(text: str, kind: str) -> Any:
    """What azd makes of the text of a variable for a parameter."""
    if kind == "int":
        return int(text)
    return text == "true" if kind == "bool" else text


def ignored(top: str) -> bool:
    patterns = (ROOT / ".funcignore").read_text().split()
    return any(fnmatch.fnmatch(top, pattern.rstrip("/")) for pattern in patterns)


def tracked() -> list[Path]:
    listed = subprocess.run(
        ["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, check=True, text=True
    )
    return [Path(name) for name in listed.stdout.split("\0") if name]


def workflow(name: str) -> dict[Any, Any]:
    found: dict[Any, Any] = yaml.safe_load((WORKFLOWS / name).read_text())
    return found


def test_azd_deploys_one_python_function_app_with_the_infrastructure_here():
    assert AZURE["name"] == "fanout"
    assert AZURE["infra"] == {"provider": "bicep", "path": "./infra", "module": "main"}
    assert (ROOT / AZURE["infra"]["path"] / f"{AZURE['infra']['module']}.bicep").is_file()
    (service,) = AZURE["services"].values()
    assert (service["project"], service["language"], service["host"]) == (".", "python", "function")
    first = (ROOT / "azure.yaml").read_text().splitlines()[0]
    assert first.startswith("# yaml-language-server: $schema=")


def test_the_app_is_tagged_as_the_service_that_azd_looks_for():
    (service,) = AZURE["services"]
    tags = module("function-app").only("Microsoft.Web/sites").value["tags"].text
    assert f"'azd-service-name': '{service}'" in tags
    assert read_bicep(MAIN).variables["tags"].keys() == {"azd-env-name"}


def test_main_is_of_the_subscription_and_keeps_to_what_azd_expects():
    assert "\ntargetScope = 'subscription'\n" in MAIN.read_text()
    name = DECLARED["environmentName"]
    assert (name.decorators["minLength"], name.decorators["maxLength"]) == ([1], [64])
    assert DECLARED["location"].decorators["metadata"] == [{"azd": {"type": "location"}}]
    assert not DECLARED["location"].has_default
    assert "loadJsonContent('abbreviations.json')" in MAIN.read_text()


def test_every_parameter_can_be_set_from_the_environment_and_every_one_set_exists():
    assert set(PARAMETERS) == set(DECLARED) - NOT_FROM_ENVIRONMENT


@pytest.mark.parametrize("name", sorted(PARAMETERS))
def test_a_parameter_left_alone_has_the_default_of_the_template(name: str):
    found = VARIABLE.fullmatch(PARAMETERS[name]["value"])
    assert found, PARAMETERS[name]
    declared = DECLARED[name]
    if found[2] is None:
        # azd itself sets these.
        assert found[1] in {"AZURE_ENV_NAME", "AZURE_LOCATION", "AZURE_PRINCIPAL_ID"}
        return
    assert converted(found[3], declared.of) == declared.value


def test_every_abbreviation_is_used_and_every_one_used_is_there():
    known = json.loads((INFRA / "abbreviations.json").read_text())
    used = set(re.findall(r"\babbreviations\.(\w+)", MAIN.read_text())) - {"json"}
    assert used == set(known)


def test_every_parameter_is_explained_with_its_variable():
    readme = (INFRA / "README.md").read_text()
    for name, each in PARAMETERS.items():
        found = VARIABLE.fullmatch(each["value"])
        assert found
        assert f"`{name}`" in readme, name
        assert f"`{found[1]}`" in readme, found[1]
    for name in NOT_FROM_ENVIRONMENT:
        assert f"`{name}`" in readme


def test_the_package_has_the_app_and_nothing_else():
    tops = {path.parts[0] for path in tracked()}
    assert {top for top in tops if not ignored(top)} == DEPLOYED


def test_no_pattern_that_keeps_a_folder_at_home_takes_one_of_the_same_name_from_the_app():
    for path in tracked():
        if path.parts[0] in DEPLOYED:
            assert [part for part in path.parts if ignored(part)] in ([], ["README.md"]), path


def test_what_a_developers_machine_has_besides_stays_there_too():
    for name in (".venv", "node_modules", ".localhost", ".bench", ".demo", ".fanout", "dist"):
        assert ignored(name), name
    for name in ("local.settings.json", ".hypothesis", ".mypy_cache", ".import_linter_cache"):
        assert ignored(name), name


@pytest.mark.parametrize("path", sorted(WORKFLOWS.glob("*.yml")), ids=lambda path: path.name)
def test_no_workflow_has_a_secret_and_each_may_do_only_what_it_says(path: Path):
    text = path.read_text()
    assert "secrets." not in text
    assert workflow(path.name)["permissions"]["contents"] == "read"
    for used in re.findall(r"uses: (\S+)", text):
        assert re.fullmatch(r"[\w-]+/[\w-]+@v\d+|\./\.github/workflows/\w+\.yml", used), used


def test_ci_runs_what_a_developer_runs():
    jobs = workflow("ci.yml")["jobs"]
    job = jobs["check"]
    commands = [step["run"] for step in job["steps"] if "run" in step]
    assert jobs["audit"]["steps"][-1] == {"run": "make audit"}
    assert commands[-2:] == ["make lint", "make test"]
    assert commands[0] == "make setup PYTHON=python${{ matrix.python }}"
    listed = [ROOT / ".ci" / "python", "--versions"]
    known = subprocess.run(listed, capture_output=True, check=True, text=True).stdout.split()
    assert job["strategy"] == {"fail-fast": False, "matrix": {"python": sorted(known)}}
    assert job["timeout-minutes"] >= 15


def test_deployment_signs_in_by_a_token_of_the_run_and_waits_for_ci():
    deploy = workflow("deploy.yml")
    assert deploy["permissions"] == {"contents": "read", "id-token": "write"}
    job = deploy["jobs"]["deploy"]
    assert job["needs"] == "ci"
    assert deploy["jobs"]["ci"]["uses"] == "./.github/workflows/ci.yml"
    commands = "\n".join(step.get("run", "") for step in job["steps"])
    assert "--federated-credential-provider" in commands
    assert "azd provision --no-prompt" in commands
    assert "azd deploy --no-prompt" in commands
