"""azd: what it reads exists, and every parameter can be set."""

import json
import re
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


def converted(text: str, kind: str) -> Any:
    """What azd makes of the text of a variable for a parameter."""
    if kind == "int":
        return int(text)
    return text == "true" if kind == "bool" else text


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
