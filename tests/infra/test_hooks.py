"""The hooks of azd: when they run, by what, and that they fit the app and the templates."""

import ast
import json
import re
import subprocess
import sys
import zipfile
from pathlib import Path
from typing import Any

import pytest
import yaml

from fanout.models.request import RunRequest
from fanout.naming import functions
from infra.scripts import environment, inbox, prepackage, providers, smoke
from infra.scripts.host_json import SCHEDULER
from tests.support.bicep import read_bicep
from tests.support.infra_files import BICEP, INFRA, MAIN, ROOT, module
from workloads import registry

AZURE = yaml.safe_load((ROOT / "azure.yaml").read_text())
(SERVICE,) = AZURE["services"].values()
PROJECT_HOOKS = AZURE["hooks"]
HOOKS = {**PROJECT_HOOKS, **SERVICE["hooks"]}
SCRIPTS = sorted((INFRA / "scripts").glob("*.py"))
COMMANDS = sorted(path.stem for path in SCRIPTS if "__main__" in path.read_text())
PROVIDER = re.compile(r"'(Microsoft\.\w+)/")
# Of a deployment, given by azd itself.
OF_AZD = {"AZURE_ENV_NAME", "AZURE_LOCATION", "AZURE_SUBSCRIPTION_ID", "VNET_ENABLED"}
# Of the hooks alone: no parameter of the templates.
OF_HOOKS = {"FANOUT_SMOKE_RUN"}


def text_of(path: Path) -> str:
    return path.read_text(encoding="utf-8")


def test_the_package_is_made_by_a_hook_of_the_service():
    # `azd deploy` runs the project's hooks of deploy alone; those of the service run whenever it
    # is packed, in `azd up` too.
    assert "prepackage" in SERVICE["hooks"]
    assert "prepackage" not in PROJECT_HOOKS


def test_azd_packs_what_the_hook_makes():
    assert SERVICE["dist"] == prepackage.PACKAGE
    assert SERVICE["project"] == "."


def test_an_azd_that_misreads_what_is_let_in_is_refused():
    assert AZURE["requiredVersions"] == {"azd": ">= 1.23.13"}


def test_git_does_not_see_the_package():
    path = f"{prepackage.PACKAGE}/host.json"
    done = subprocess.run(["git", "check-ignore", "--quiet", path], cwd=ROOT, check=False)
    assert done.returncode == 0


def test_the_other_hooks_are_of_the_project_and_are_seen():
    assert set(PROJECT_HOOKS) == {"preprovision", "postdeploy"}
    for hook in PROJECT_HOOKS.values():
        # Otherwise azd shows eight lines of it while it runs, and none afterwards.
        assert all(system["interactive"] is True for system in hook.values())


def test_a_package_that_cannot_be_made_says_why():
    # azd puts what a hook wrote into its message only where the hook has not the terminal.
    assert all("interactive" not in system for system in SERVICE["hooks"]["prepackage"].values())


@pytest.mark.parametrize("name", sorted(HOOKS))
def test_a_hook_is_a_command_of_the_shell_and_not_a_script_that_azd_installs_things_for(name: str):
    hook = HOOKS[name]
    assert set(hook) == {"posix", "windows"}
    for system, shell, python in (("posix", "sh", "python3"), ("windows", "pwsh", "python")):
        assert hook[system]["shell"] == shell
        assert hook[system]["run"] == f"{python} -m infra.scripts.{name}"
        assert "continueOnError" not in hook[system]
    assert name in COMMANDS


@pytest.mark.parametrize("name", COMMANDS)
def test_a_command_explains_itself_on_a_python_that_has_nothing_installed(name: str):
    line = [sys.executable, "-S", "-m", f"infra.scripts.{name}", "--help"]
    done = subprocess.run(line, cwd=ROOT, check=True, capture_output=True, text=True)
    assert done.stdout.startswith(f"usage: python -m infra.scripts.{name}")


@pytest.mark.parametrize("path", SCRIPTS, ids=lambda path: path.stem)
def test_a_script_imports_the_standard_library_and_its_like(path: Path):
    tops = set()
    for node in ast.walk(ast.parse(text_of(path))):
        if isinstance(node, ast.Import):
            tops |= {each.name.partition(".")[0] for each in node.names}
        elif isinstance(node, ast.ImportFrom):
            tops.add((node.module or "").partition(".")[0])
    assert tops <= {*sys.stdlib_module_names, "infra"}


def test_every_variable_that_a_script_reads_is_one_of_the_deployment():
    parameters = text_of(INFRA / "main.parameters.json")
    known = set(re.findall(r"\$\{(\w+)", parameters)) | set(
        re.findall(r"output (\w+) ", text_of(MAIN))
    )
    read = {
        name
        for path in SCRIPTS
        for name in re.findall(r"\"((?:AZURE|FANOUT|VNET)_[A-Z_]+)\"", text_of(path))
    }
    assert read - known - OF_AZD - OF_HOOKS == set()


def test_every_provider_of_the_templates_is_looked_after():
    named = {name for path in BICEP for name in PROVIDER.findall(text_of(path))}
    known = {
        *providers.BY_DEFAULT,
        *providers.ALWAYS,
        *(name for some in providers.BY_SWITCH.values() for name in some),
        providers.OF_SCHEDULER,
        providers.OF_VAULT,
    }
    assert named <= known


def test_the_names_of_the_budget_and_its_group_are_those_of_the_template():
    text = text_of(MAIN)
    assert "'${abbreviations.budget}${environmentName}'" in text
    assert "'${abbreviations.resourceGroup}${environmentName}'" in text


def test_the_defaults_are_those_of_the_template():
    found = environment.Environment.read({})
    declared = read_bicep(MAIN).params
    assert found.text("FANOUT_DURABLE_BACKEND") == declared["durableBackend"].value
    assert found.text("FANOUT_PYTHON_VERSION") == declared["pythonVersion"].value
    assert found.number("FANOUT_MAXIMUM_INSTANCES") == declared["maximumInstanceCount"].value


def test_the_scheduler_is_named_in_host_json_by_the_setting_that_the_template_makes():
    scheduler: Any = module("app-settings").variables["scheduler"]
    assert SCHEDULER["connectionStringName"] in scheduler.no


def test_no_app_setting_says_what_host_json_must_say():
    # The scale controller would not see it.
    found = re.findall(
        r"AzureFunctionsJobHost__extensions__durableTask__(\w+?)__",
        text_of(INFRA / "modules" / "app-settings.bicep"),
    )
    assert set(found) <= {"tracing"}


def test_event_grid_calls_the_function_that_the_app_has_for_the_container_that_it_watches():
    assert inbox.FUNCTION == functions.START_RUN_OVER_BLOB
    assert f"'{inbox.CONTAINER}'" in text_of(MAIN)


def test_the_smoke_run_is_a_request_that_the_app_takes():
    request = RunRequest.model_validate(smoke.smoke_request("smoke-20261130-120000"))
    workload = registry.get(request.workload)
    parameters = workload.parameters_model.model_validate(request.parameters)
    assert workload.name == smoke.WORKLOAD
    assert json.loads(parameters.model_dump_json())


@pytest.fixture
def copy(tmp_path: Path) -> Path:
    """What git has of the repository, in a folder of its own."""
    line = ["git", "checkout-index", "--all", "--prefix", f"{tmp_path}/copy/"]
    subprocess.run(line, cwd=ROOT, check=True)
    return tmp_path / "copy"


def run_as_azd_does(name: str, copy: Path, **values: str) -> "subprocess.CompletedProcess[str]":
    """So does azd: it writes the command into a script and runs that in the project."""
    bin_folder, script = copy.parent / "bin", copy.parent / "hook.sh"
    bin_folder.mkdir(exist_ok=True)
    python = bin_folder / "python3"
    python.unlink(missing_ok=True)
    python.symlink_to(sys.executable)
    script.write_text(f"#!/bin/sh\nset -e\n\n{HOOKS[name]['posix']['run']}\n")
    environment = {"PATH": f"{bin_folder}:/usr/bin:/bin", **values}
    return subprocess.run(
        ["/bin/sh", str(script)],
        cwd=copy,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )


def test_what_is_packed_has_the_app_and_the_host_json_of_the_deployment(copy: Path):
    done = run_as_azd_does("prepackage", copy, FANOUT_DURABLE_BACKEND="DurableTaskScheduler")
    assert done.returncode == 0, done.stderr
    folder = copy / SERVICE["dist"]
    archive = copy.parent / "package.zip"
    with zipfile.ZipFile(archive, "w") as package:
        for path in folder.rglob("*"):
            package.write(path, path.relative_to(folder))
    with zipfile.ZipFile(archive) as package:
        host = json.loads(package.read("host.json"))
        names = {name.partition("/")[0] for name in package.namelist()}
    assert host["extensions"]["durableTask"]["storageProvider"] == SCHEDULER
    assert {"function_app.py", "fanout", "starters", "requirements.txt"} <= names
    assert names.isdisjoint({"infra", "tests", "docs", "localhost", "dist", "azure.yaml"})


def test_a_hook_that_fails_stops_azd(copy: Path):
    done = run_as_azd_does("prepackage", copy, FANOUT_DURABLE_BACKEND="netherite")
    assert done.returncode == 1
    assert "FANOUT_DURABLE_BACKEND" in done.stderr
    assert not (copy / SERVICE["dist"]).exists()


def test_a_python_that_is_too_old_is_named():
    code = "import sys; sys.version_info = (3, 10, 0); import infra.scripts"
    line = [sys.executable, "-S", "-c", code]
    done = subprocess.run(line, cwd=ROOT, check=False, capture_output=True, text=True)
    assert done.returncode == 1
    assert "Python 3.11 or newer" in done.stderr
