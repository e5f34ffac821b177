"""What azd's gallery, GitHub and a new machine look for in a template is there, and whole."""

import json
import re
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.support.infra_files import ROOT

README = (ROOT / "README.md").read_text()
CONTAINER = json.loads((ROOT / ".devcontainer" / "devcontainer.json").read_text())
FORMS = sorted(
    path for path in (ROOT / ".github/ISSUE_TEMPLATE").glob("*.yml") if path.stem != "config"
)
# By rules.json of microsoft/template-validation-action, which the gallery's reviewers run.
LOOKED_FOR = (
    "README.md",
    "LICENSE",
    "SECURITY.md",
    "CODE_OF_CONDUCT.md",
    "CONTRIBUTING.md",
    ".github/ISSUE_TEMPLATE",
    ".github/workflows/azure-dev.yml",
    "azure.yaml",
    "infra",
    ".devcontainer",
)
# Of GitHub's syntax for the forms of issues, the kinds that are used.
KINDS = {"markdown", "textarea", "input", "dropdown"}


def front_matter() -> dict[str, Any]:
    """It stands in a comment, since GitHub would show it as a table."""
    found = re.match(r"<!--\n---\n(.*?)\n---\n-->\n\n# Fanout\n", README, re.S)
    assert found
    read: dict[str, Any] = yaml.safe_load(found[1])
    return read


@pytest.mark.parametrize("name", LOOKED_FOR)
def test_what_the_gallery_looks_for_is_tracked(name: str):
    listed = subprocess.run(
        ["git", "ls-files", "--cached", "--others", "--exclude-standard", name],
        cwd=ROOT,
        capture_output=True,
        check=True,
        text=True,
    )
    assert listed.stdout.strip()


def test_the_front_matter_has_what_a_sample_is_listed_by():
    found = front_matter()
    assert set(found) == {
        "name",
        "description",
        "page_type",
        "products",
        "urlFragment",
        "languages",
    }
    assert found["page_type"] == "sample"
    assert {"azure", "azure-functions"} <= set(found["products"])
    assert set(found["languages"]) == {"azdeveloper", "python", "bicep"}
    assert re.fullmatch(r"[a-z0-9-]+", found["urlFragment"])


def test_the_readme_goes_from_nothing_to_azure_and_back():
    section = README.split("\n## In Azure\n")[1].split("\n## ")[0]
    steps = ["azd init -t ", "azd auth login", "azd up", "azd down --purge"]
    assert sorted(steps, key=section.index) == steps
    assert "Codespace" in section


def test_the_container_has_what_is_needed_to_develop_and_to_deploy():
    features = {name.rpartition("/")[2].partition(":")[0] for name in CONTAINER["features"]}
    assert features == {"azd", "azure-cli", "github-cli", "node"}
    said = " ".join(CONTAINER["postCreateCommand"].values())
    # Azurite is among the packages of package-lock.json.
    assert "make setup" in said
    assert "azure-functions-core-tools@4" in said
    assert 'az bicep install --version "$(.ci/bicep --version)"' in said
    assert "~/.azure/bin/bicep /usr/local/bin/bicep" in said
    assert (ROOT / CONTAINER["onCreateCommand"].removeprefix("sudo ")).is_file()


def test_the_container_has_the_newest_python_that_fanout_runs_on():
    listed = [ROOT / ".ci" / "python", "--versions"]
    known = subprocess.run(listed, capture_output=True, check=True, text=True).stdout.split()
    assert f"python:{known[0]}-" in CONTAINER["image"]


@pytest.mark.parametrize("path", FORMS, ids=lambda path: path.stem)
def test_every_form_of_an_issue_is_one_that_github_shows(path: Path):
    form = yaml.safe_load(path.read_text())
    assert form["name"] and form["description"]
    asked = [field for field in form["body"] if field["type"] != "markdown"]
    assert {field["type"] for field in form["body"]} <= KINDS
    assert len({field["id"] for field in asked}) == len(asked)
    assert all(field["attributes"]["label"] for field in asked)
    assert any(field.get("validations", {}).get("required") for field in asked)
    for field in asked:
        assert (field["type"] == "dropdown") == ("options" in field["attributes"])


def test_there_are_forms_for_faults_and_for_wishes_and_none_for_vulnerabilities():
    assert {path.stem for path in FORMS} == {"fault", "wish"}
    assert "SECURITY.md" in (ROOT / ".github/ISSUE_TEMPLATE/fault.yml").read_text()
    assert "Report a vulnerability" in (ROOT / "SECURITY.md").read_text()
