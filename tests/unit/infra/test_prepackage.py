"""What azd packs has the host.json of the deployment and nothing secret; git sees none of it."""

import json
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest

from infra.scripts import prepackage
from infra.scripts.environment import SettingError

ROOT = Path(__file__).parents[3]
SCHEDULER = {"FANOUT_DURABLE_BACKEND": "DurableTaskScheduler"}
KEPT = "an earlier package"


@pytest.fixture
def repository(tmp_path: Path) -> Path:
    """A small copy of the repository, under git."""
    for name in ("host.json", ".funcignore", ".gitignore", "function_app.py"):
        shutil.copy(ROOT / name, tmp_path / name)
    (tmp_path / "infra").mkdir()
    shutil.copy(ROOT / "infra" / "main.parameters.json", tmp_path / "infra")
    for name in ("fanout/rules.py", "tests/test_rules.py"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text("# ours\n")
    git(tmp_path, "init", "--quiet")
    git(tmp_path, "add", "--all", "--force")
    git(tmp_path, "-c", "user.name=t", "-c", "user.email=t@e", "commit", "--quiet", "-m", "all")
    return tmp_path


def git(folder: Path, *arguments: str) -> str:
    done = subprocess.run(
        ["git", *arguments], cwd=folder, check=True, capture_output=True, text=True
    )
    return done.stdout


def files(folder: Path) -> set[str]:
    return {path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file()}


def durable(folder: Path) -> Any:
    return json.loads((folder / "host.json").read_text())["extensions"]["durableTask"]


def test_the_package_has_the_app_and_the_host_json_of_the_deployment(repository: Path):
    folder = prepackage.assemble(repository, SCHEDULER | {"FANOUT_MAX_ACTIVITIES": "3"})
    assert durable(folder)["storageProvider"]["type"] == "azureManaged"
    assert durable(folder)["maxConcurrentActivityFunctions"] == 3
    assert files(folder) == {
        "fanout/rules.py",
        "function_app.py",
        "host.json",
    }


def test_azd_finds_no_ignore_file_where_it_packs(repository: Path):
    # Versions from 1.18 to 1.23.12 leave out what a line lets in, which is all of the app.
    assert not (prepackage.assemble(repository, {}) / ".funcignore").exists()


def test_git_sees_no_change(repository: Path):
    prepackage.assemble(repository, SCHEDULER)
    assert git(repository, "status", "--porcelain") == ""


def test_after_a_failure_in_the_middle_git_sees_none_either_and_nothing_half_is_packed(
    repository: Path, monkeypatch: pytest.MonkeyPatch
):
    folder = prepackage.assemble(repository, {})
    (folder / KEPT).write_text("")

    def fail(source: Path, target: Path) -> None:
        if source.name == "rules.py":
            raise OSError("No space left on device")
        shutil.copyfile(source, target)

    with monkeypatch.context() as patch:
        patch.setattr("infra.scripts.prepackage.shutil.copy2", fail)
        with pytest.raises(OSError, match="No space"):
            prepackage.assemble(repository, SCHEDULER)
    assert git(repository, "status", "--porcelain") == ""
    assert (folder / KEPT).exists()
    assert durable(folder)["storageProvider"]["type"] == "AzureStorage"
    assert not (prepackage.assemble(repository, SCHEDULER) / KEPT).exists()
    assert files(folder.parent) == {f"app/{name}" for name in files(folder)}


def test_what_was_packed_before_and_is_gone_is_not_packed_again(repository: Path):
    prepackage.assemble(repository, {})
    (repository / "fanout" / "rules.py").unlink()
    assert "fanout/rules.py" not in files(prepackage.assemble(repository, {}))


def test_secrets_of_the_machine_are_not_even_copied(repository: Path):
    (repository / ".funcignore").write_text("tests\n.funcignore\n")
    for name in ("local.settings.json", ".azure/env/.env", ".git/config"):
        path = repository / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("a secret")
    folder = prepackage.assemble(repository, {})
    assert {path.name for path in folder.iterdir()} == {
        ".gitignore",
        "fanout",
        "function_app.py",
        "host.json",
        "infra",
    }


def test_an_empty_variable_is_none_as_pipelines_hand_it_on(repository: Path):
    unset = {"FANOUT_DURABLE_BACKEND": "", "FANOUT_MAX_ACTIVITIES": ""}
    assert durable(prepackage.assemble(repository, unset)) == durable(repository)


@pytest.mark.parametrize(
    "values",
    [
        {"FANOUT_MAX_ACTIVITIES": "many"},
        {"FANOUT_MAX_ORCHESTRATORS": "-1"},
        {"FANOUT_DURABLE_BACKEND": "netherite"},
    ],
)
def test_a_value_that_makes_no_sense_is_refused_by_name(repository: Path, values: dict[str, str]):
    (name,) = values
    with pytest.raises(SettingError, match=name):
        prepackage.assemble(repository, values)


def test_the_hook_says_what_it_made_and_what_is_wrong(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], repository: Path
):
    monkeypatch.setattr(prepackage, "ROOT", repository)
    assert prepackage.main([]) == 0
    assert "dist/app" in capsys.readouterr().out
    monkeypatch.setenv("FANOUT_DURABLE_BACKEND", "netherite")
    assert prepackage.main([]) == 1
    assert "FANOUT_DURABLE_BACKEND" in capsys.readouterr().err
