"""What may be chosen: optional parts, names, regions; and what must last a redeployment."""

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from fanout.adapters.settings import Settings
from tests.support.bicep import Choice, Expression, read_bicep
from tests.support.bicep_values import worth
from tests.support.infra_files import BICEP, INFRA, MAIN, module

FILE = read_bicep(MAIN)
PARAMETERS = json.loads((INFRA / "main.parameters.json").read_text())["parameters"]
# Where in main.bicep a variable of azd is read.
READ = {name: re.findall(r"\$\{([A-Z_]+)", each["value"])[0] for name, each in PARAMETERS.items()}
OPTIONAL = {name: each for name, each in FILE.modules.items() if each.condition}
NAMED = {
    "group": "resourceGroupName",
    "app": "functionAppName",
    "plan": "planName",
    "identity": "identityName",
    "hostStorage": "hostStorageName",
    "dataStorage": "dataStorageName",
    "serviceBus": "serviceBusName",
    "keyVault": "keyVaultName",
    "scheduler": "schedulerName",
    "workspace": "workspaceName",
    "insights": "insightsName",
    "network": "networkName",
}
# The longest that Azure takes.
# Source: https://learn.microsoft.com/azure/azure-resource-manager/management/resource-name-rules
LONGEST = {
    "resourceGroupName": 90,
    "functionAppName": 60,
    "planName": 40,
    "identityName": 128,
    "hostStorageName": 24,
    "dataStorageName": 24,
    "serviceBusName": 50 - len("-premium"),
    "keyVaultName": 24,
    "workspaceName": 63,
    "insightsName": 260,
    "networkName": 64,
}


def values(of: Any) -> Iterator[Any]:
    """Every value in a value; of a choice both, but not what it goes by."""
    yield of
    parts: list[Any] = []
    if isinstance(of, dict):
        parts = list(of.values())
    elif isinstance(of, list):
        parts = of
    for part in parts:
        yield from values(part)


def given() -> Iterator[tuple[str, Any]]:
    """Every value that main.bicep hands to a module or gives out, with the module's condition."""
    for each in FILE.modules.values():
        for value in values(each.value["params"]):
            yield each.condition or "", value
    for each in FILE.outputs.values():
        for value in values(each.value):
            yield "", value


def conjuncts(condition: str) -> set[str]:
    """What must all be true for a condition, by parameters and by the names that stand for them."""
    found = {condition}
    for part in condition.split(" && "):
        named = FILE.variables.get(part)
        found |= {part}
        if isinstance(named, Expression):
            found |= conjuncts(named.text)
    return found


@pytest.mark.parametrize("name", sorted(OPTIONAL))
def test_what_a_module_that_may_be_left_out_gives_is_asked_for_only_where_it_is_there(name: str):
    """Without the mark the compiler warns (BCP318); without the choice the deployment fails."""
    of_it = re.compile(rf"\b{name}\b\W*outputs")
    condition = str(OPTIONAL[name].condition)
    for asking, value in given():
        if isinstance(value, Expression) and of_it.search(value.text):
            assert value.text.startswith(f"{name}!.outputs."), value.text
            assert condition in conjuncts(asking), value.text
        if isinstance(value, Choice) and of_it.search(str(value.yes)):
            assert value.yes.text.startswith(f"{name}!.outputs.")
            assert condition in conjuncts(asking) | conjuncts(value.condition)
            assert value.no == ""


@pytest.mark.parametrize("path", BICEP, ids=lambda path: path.name)
def test_no_file_reads_a_module_that_may_be_left_out_as_if_it_were_there(path: Path):
    optional = [name for name, each in read_bicep(path).modules.items() if each.condition]
    bare = [name for name in optional if re.search(rf"\b{name}\.outputs\b", path.read_text())]
    assert bare == []


def test_the_parts_that_cost_by_the_hour_are_left_out_by_default():
    assert FILE.modules["serviceBus"].condition == "serviceBusEnabled"
    assert FILE.modules["keyVault"].condition == "hasVault"
    assert FILE.params["vaultSettings"].value == ""
    for switch in ("serviceBusEnabled", "vnetEnabled", "vaultPurgeProtection"):
        assert FILE.params[switch].value is False, switch
    for number in ("durableAlwaysReady", "budgetAmount"):
        assert FILE.params[number].value == 0, number


def test_queues_are_watched_where_there_are_any():
    alert = module("alerts").only("Microsoft.Insights/metricAlerts")
    assert alert.condition == "!empty(serviceBusId)"


@pytest.mark.parametrize("part", sorted(NAMED))
def test_every_resource_can_be_given_a_name_of_ones_own(part: str):
    names = FILE.variables["names"]
    assert set(names) == set(NAMED)
    own = NAMED[part]
    assert names[part].condition == f"empty({own})"
    # That of a namespace gets its tier after it, below.
    chosen = "serviceBusOwnName" if part == "serviceBus" else own
    assert names[part].no == Expression(chosen)
    assert "abbreviations." in FILE.resolved(names[part].yes).text
    assert FILE.params[own].value == ""
    assert f"names.{part}" in MAIN.read_text()
    if own in LONGEST:
        assert FILE.params[own].decorators["maxLength"] == [LONGEST[own]]


def test_nothing_else_in_the_template_makes_names_for_what_can_be_named():
    used = re.findall(r"name: '\$\{abbreviations\.(\w+)\}", MAIN.read_text(), re.I)
    assert not set(used) & {"resourceGroup", "functionApp", "storageAccount", "keyVault"}


def test_the_package_is_looked_for_where_it_was_whatever_the_app_is_called():
    package = FILE.variables["packageContainer"].text
    assert "names." not in package
    assert "functionAppName" not in package


def test_only_regions_with_flex_consumption_are_offered():
    (regions,) = FILE.params["location"].decorators["allowed"]
    listed = (Path(__file__).parent / "flex_regions.txt").read_text().splitlines()
    known = [line for line in listed if not line.startswith("#")]
    assert regions == [region for region in known if region != "eastus2euap"]
    (source,) = re.findall(r"https://\S+", "\n".join(listed))
    assert source in MAIN.read_text()


def test_the_scheduler_may_lie_elsewhere_for_it_is_not_in_every_region():
    assert FILE.params["schedulerLocation"].value == ""
    where = FILE.modules["scheduler"].value["params"]["location"]
    assert where == Choice(
        "empty(schedulerLocation)", Expression("location"), Expression("schedulerLocation")
    )
    assert FILE.modules["app"].value["params"]["location"] == Expression("location")


def test_operators_are_named_by_a_variable_that_azd_does_not_fill_itself():
    """By azd itself whoever deploys is put into AZURE_PRINCIPAL_ID and AZURE_PRINCIPAL_TYPE.

    Source: https://github.com/Azure/azure-dev, bicep_provider.go, evalParamEnvSubst
    """
    assert READ["operatorsId"] == "FANOUT_OPERATORS_ID"
    assert READ["operatorsType"] == "FANOUT_OPERATORS_TYPE"
    assert FILE.params["operatorsType"].value == "Group"
    roles = {name: FILE.modules[name] for name in ("deployerRoles", "operatorRoles")}
    assert {each.of for each in roles.values()} == {"modules/operator-roles.bicep"}
    assert roles["deployerRoles"].condition == "!empty(principalId)"
    # The same assignment twice in one deployment would be a conflict.
    assert roles["operatorRoles"].condition == ("!empty(operatorsId) && operatorsId != principalId")
    who = {
        name: (each.value["params"]["operatorId"], each.value["params"]["operatorType"])
        for name, each in roles.items()
    }
    assert who == {
        "deployerRoles": (Expression("principalId"), Expression("principalType")),
        "operatorRoles": (Expression("operatorsId"), Expression("operatorsType")),
    }
    assert roles["deployerRoles"].value["name"] != roles["operatorRoles"].value["name"]


def holds(condition: str, known: dict[str, Any]) -> bool:
    """Whether one of the conditions that a budget goes by is true."""
    found = re.fullmatch(r"empty\((\w+)\)|(\w+) > 0", condition)
    assert found, condition
    return known[found[1]] == "" if found[1] else known[found[2]] > 0


def worked_out(value: Any, known: dict[str, Any]) -> Any:
    """What a value comes to, by values of parameters."""
    if isinstance(value, Choice):
        chosen = value.yes if holds(value.condition, known) else value.no
        return worked_out(chosen, known)
    if isinstance(value, Expression):
        if value.text in known:
            return known[value.text]
        return worked_out(FILE.variables[value.text], known)
    return value


class Azd:
    """An environment of azd, as far as a budget goes: what it sets, and what it keeps and forgets.

    Source: https://github.com/Azure/azure-dev, manager.go: UpdateEnvironment, Destroy
    """

    def __init__(self) -> None:
        self.values: dict[str, str] = {}

    def provision(self, month: str, amount: int = 100) -> str | None:
        """Provision in a month, and tell with which start the budget is sent."""
        variable, default = re.findall(r"\$\{(\w+)=(.*)\}", PARAMETERS["budgetStartDate"]["value"])[
            0
        ]
        known = {
            "budgetAmount": amount,
            "budgetStartDate": self.values.get(variable, default),
            "currentMonth": month,
        }
        self.values[variable] = worked_out(FILE.outputs[variable].value, known)
        budget = FILE.modules["budget"]
        assert budget.condition
        if not holds(budget.condition, known):
            return None
        return str(worked_out(budget.value["params"]["startDate"], known))

    def down(self) -> None:
        for name in FILE.outputs:
            self.values.pop(name, None)


def test_a_budget_keeps_the_month_that_it_began_in():
    """Azure refuses another start of a budget that exists, and one of a month that is over.

    Source: https://github.com/Azure/bicep/issues/7149
    """
    azd = Azd()
    assert azd.provision("2026-11-01") == "2026-11-01"
    assert azd.provision("2026-12-01") == "2026-11-01"
    # A template deletes nothing: a budget that is switched off is still there.
    assert azd.provision("2027-01-01", amount=0) is None
    assert azd.provision("2027-02-01") == "2026-11-01"
    azd.down()
    assert azd.provision("2027-03-01") == "2027-03-01"


def test_a_budget_that_is_wanted_later_begins_then():
    azd = Azd()
    assert azd.provision("2026-11-01", amount=0) is None
    assert azd.provision("2026-12-01") == "2026-12-01"


def test_nothing_that_was_set_is_lost_when_azd_down_takes_what_the_template_gave_out():
    """`azd down` removes each output from the environment; a choice of ours must outlast it.

    Source: https://github.com/Azure/azure-dev, manager.go, Destroy
    """
    assert set(FILE.outputs) & set(READ.values()) == {"FANOUT_BUDGET_START"}


def test_what_the_hooks_ask_for_is_given_out():
    wanted = {
        "AZURE_RESOURCE_GROUP",
        "AZURE_FUNCTION_NAME",
        "FANOUT_URL",
        "FANOUT_DATA_STORAGE",
        "FANOUT_KEY_VAULT",
        "FANOUT_SERVICE_BUS_NAME",
    }
    assert wanted <= set(FILE.outputs)


@pytest.mark.parametrize(
    ("own", "vnet", "name"),
    [
        ("", False, "sb-token"),
        ("", True, "sb-premium-token"),
        ("sb-ours", False, "sb-ours"),
        ("sb-ours", True, "sb-ours-premium"),
        ("s" * 42, True, "s" * 42 + "-premium"),
    ],
)
def test_each_tier_of_a_namespace_has_a_name_of_its_own(own: str, vnet: bool, name: str):
    """Azure turns no Standard namespace into a Premium one, whoever has named it.

    Source: https://github.com/hashicorp/terraform-provider-azurerm/issues/6212
    """
    known = {
        "abbreviations.serviceBusNamespace": "sb-",
        "resourceToken": "token",
        "serviceBusName": own,
        "vnetEnabled": vnet,
    }
    found = worth(FILE, FILE.variables["names"]["serviceBus"], known)
    assert found == name
    assert len(found) <= 50


def sources(text: str, *, inbox: bool = False) -> dict[str, Any]:
    """What modules are given for a list of containers."""
    known = {"sourceContainers": text, "inboxEnabled": inbox, "runsContainer": "runs"}
    return {
        "made": worth(FILE, FILE.modules["dataStorage"].value["params"]["containers"], known),
        "roles": worth(FILE, FILE.modules["roles"].value["params"]["sourceContainers"], known),
        "told": worth(FILE, FILE.modules["settings"].value["params"]["sourceContainers"], known),
    }


def read_by_the_app(text: str) -> set[str]:
    storage = {"FANOUT_STORAGE__blobServiceUri": "https://st.blob.core.windows.net"}
    read = Settings.from_environment(storage | {"FANOUT_SOURCE_CONTAINERS": text})
    return set(read.source_containers)


@pytest.mark.parametrize(
    ("text", "named"),
    [
        ("inbox", ["inbox"]),
        ("", ["inbox"]),
        (" , ", ["inbox"]),
        ("inbox,", ["inbox"]),
        (",photos, inbox,,", ["photos", "inbox"]),
        ("inbox,inbox", ["inbox"]),
    ],
)
def test_containers_are_made_for_the_names_that_the_app_reads_and_for_each_once(
    text: str, named: list[str]
):
    found = sources(text)
    assert found == {"made": [*named, "runs"], "roles": named, "told": named}
    assert read_by_the_app(text) == set(named)


def test_what_the_template_tells_the_app_names_what_the_app_would_read_itself():
    for text in ("orders-*,", "photos,photos"):
        told = ",".join(sources(text)["told"])
        assert read_by_the_app(told) == read_by_the_app(text)


@pytest.mark.parametrize("pattern", ["orders-*", "a*b", "*"])
def test_no_container_has_a_star_in_its_name(pattern: str):
    found = sources(f"photos,{pattern}", inbox=True)
    assert found["made"] == ["photos", "inbox", "runs"]
    assert found["roles"] == ["photos", "inbox"]
    assert found["told"] == ["photos", pattern, "inbox"]


@pytest.mark.parametrize(
    ("param", "variable", "value", "text"),
    [
        ("alertEmails", "emails", "ada@example.org", "ada@example.org, ,ada@example.org,"),
        ("allowedIps", "outsideIps", "203.0.113.7", "203.0.113.7/32,203.0.113.7,"),
        ("vaultSettings", "secretSettings", "FANOUT_SMTP", ",FANOUT_SMTP, FANOUT_SMTP"),
    ],
)
def test_a_comma_too_many_and_a_repeat_count_for_nothing(
    param: str, variable: str, value: str, text: str
):
    def read(given: str) -> Any:
        return worth(FILE, Expression(variable), {param: given, "vnetEnabled": True})

    assert read(text) == [value]
    assert read("") == read(",") == []


def test_a_list_without_an_entry_makes_no_vault_and_asks_for_no_network():
    known = {"vaultSettings": ",", "allowedIps": ", ", "vnetEnabled": False}
    assert worth(FILE, Expression("hasVault"), known) is False
    needs = FILE.modules["requirements"].value["params"]["allowedIpsHaveNetwork"]
    assert worth(FILE, needs, known) is True
    assert worth(FILE, needs, known | {"allowedIps": "203.0.113.7"}) is False


def test_a_pattern_of_containers_makes_none():
    given_to = {
        name: FILE.modules[name].value["params"]
        for name in ("dataStorage", "roles", "operatorRoles", "deployerRoles")
    }
    for name, params in given_to.items():
        assert "readableContainers" not in str(params), name
