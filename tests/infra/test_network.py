"""The network around the stores: what is shut, who is let in, and what may be turned on later."""

import re
from pathlib import Path
from typing import Any

import pytest

from tests.support.bicep import BicepFile, Choice, Expression, read_bicep
from tests.support.bicep_values import worth
from tests.support.infra_files import BICEP, INFRA, MAIN, ROOT, module

APP = module("function-app")
BUS = module("service-bus")
NETWORK = module("network")
NAT = module("nat-gateway")
NEEDS = module("requirements")
PAGE = (ROOT / "docs" / "how-to" / "network.md").read_text()
SUFFIX = "${storageSuffix}"
ALWAYS = {
    ("host-blob", "blob", f"privatelink.blob.{SUFFIX}"),
    ("host-queue", "queue", f"privatelink.queue.{SUFFIX}"),
    ("host-table", "table", f"privatelink.table.{SUFFIX}"),
    ("data-blob", "blob", f"privatelink.blob.{SUFFIX}"),
    ("data-queue", "queue", f"privatelink.queue.{SUFFIX}"),
    ("data-table", "table", f"privatelink.table.{SUFFIX}"),
}


def main() -> BicepFile:
    return read_bicep(MAIN)


def given(name: str) -> dict[str, Any]:
    """What a module of main.bicep is given."""
    params: dict[str, Any] = main().modules[name].value["params"]
    return params


def zone_name(value: Any) -> str:
    """The name of a private zone, from the variable that has it."""
    resolved = NETWORK.resolved(value)
    return str(getattr(resolved, "text", resolved)).strip("'")


def reached(targets: list[dict[str, Any]]) -> set[tuple[str, str, str]]:
    return {(each["name"], each["part"], zone_name(each["zone"])) for each in targets}


def account(name: str) -> dict[str, Any]:
    file = module(name)
    return next(each for each in file.resources.values() if "networkAcls" in str(each.value)).value


@pytest.mark.parametrize("name", ["storage", "key-vault"])
def test_what_is_private_is_shut_to_the_internet(name: str):
    file, properties = module(name), account(name)["properties"]
    assert file.variables["isShut"] == Expression("isPrivate && empty(allowedIps)")
    assert file.resolved(properties["publicNetworkAccess"]) == Choice(
        "isShut", "Disabled", "Enabled"
    )
    assert file.resolved(properties["networkAcls"]["defaultAction"]) == Choice(
        "isPrivate", "Deny", "Allow"
    )


@pytest.mark.parametrize(
    ("name", "rule"),
    [("storage", {"action": "'Allow'", "value": "each"}), ("key-vault", {"value": "each"})],
)
def test_what_is_private_lets_the_addresses_in_that_are_named(name: str, rule: dict[str, str]):
    rules = account(name)["properties"]["networkAcls"]["ipRules"].text
    assert rules.startswith("[for each in allowedIps: {")
    lines = dict(line.strip().split(": ") for line in rules.splitlines()[1:-1])
    assert lines == rule


def test_a_private_service_bus_is_premium_as_private_endpoints_ask():
    namespace = BUS.only("Microsoft.ServiceBus/namespaces")
    tier = Choice("isPrivate", "Premium", "Standard")
    assert BUS.resolved(namespace.value["sku"]["name"]) == tier
    assert BUS.variables["isShut"] == Expression("isPrivate && empty(allowedIps)")
    assert BUS.resolved(namespace.properties["publicNetworkAccess"]) == Choice(
        "isShut", "Disabled", "Enabled"
    )


def test_a_private_service_bus_lets_in_nobody_but_the_addresses_that_are_named():
    rules = BUS.only("Microsoft.ServiceBus/namespaces/networkRuleSets")
    assert BUS.variables["letsSomeIn"] == Expression("isPrivate && !empty(allowedIps)")
    assert rules.condition == "letsSomeIn"
    assert rules.value["name"] == "default"
    assert rules.properties["defaultAction"] == "Deny"
    assert "ipMask: each" in rules.properties["ipRules"].text


def test_each_tier_of_service_bus_has_a_namespace_of_its_own():
    """Turning the network on where there is none yet cannot change the tier in place."""
    assert given("serviceBus")["name"] == Expression("names.serviceBus")
    assert given("serviceBus")["isPrivate"] == Expression("vnetEnabled")


def test_the_network_is_optional_and_all_of_it_hangs_on_one_parameter():
    assert main().params["vnetEnabled"].value is False
    assert main().modules["network"].condition == "vnetEnabled"
    for name in ("hostStorage", "dataStorage", "serviceBus", "keyVault"):
        assert given(name)["isPrivate"] == Expression("vnetEnabled")
    assert given("app")["subnetId"] == Choice(
        "vnetEnabled", Expression("network!.outputs.appSubnetId"), ""
    )


def test_addresses_are_let_in_to_what_people_use_and_to_the_host_for_developers_only():
    known = {"allowedIps": "203.0.113.7/32, 198.51.100.0/24", "vnetEnabled": True}
    found = worth(main(), Expression("outsideIps"), known)
    assert found == ["203.0.113.7", "198.51.100.0/24"]
    assert worth(main(), Expression("outsideIps"), known | {"vnetEnabled": False}) == []
    for name in ("dataStorage", "serviceBus", "keyVault"):
        assert given(name)["allowedIps"] == Expression("outsideIps")
    assert given("hostStorage")["allowedIps"] == Choice(
        "hasDeveloper", Expression("outsideIps"), []
    )


def test_an_option_that_needs_the_network_is_refused_without_it():
    assert main().modules["requirements"].condition is None
    assert given("requirements") == {
        "allowedIpsHaveNetwork": Expression("any(vnetEnabled || empty(listedIps))"),
        "natGatewayHasNetwork": Expression("any(vnetEnabled || !natGatewayEnabled)"),
    }
    for each in NEEDS.params.values():
        assert each.decorators["allowed"] == [[True]]
        assert each.symbol in NEEDS.outputs["areMet"].value.text


def test_the_apps_subnet_is_delegated_to_flex_consumption():
    app, endpoints = NETWORK.only("Microsoft.Network/virtualNetworks").properties["subnets"]
    delegation = app["properties"]["delegations"][0]["properties"]
    assert delegation == {"serviceName": "Microsoft.App/environments"}
    assert "delegations" not in endpoints["properties"]


def test_everything_that_is_shut_has_a_private_endpoint_in_the_zone_of_its_kind():
    found = NETWORK.variables
    assert reached(found["storageTargets"]) == ALWAYS
    assert found["busTargets"].condition == "empty(serviceBusName)"
    assert found["busTargets"].yes == []
    assert reached(found["busTargets"].no) == {
        ("service-bus", "namespace", "privatelink.servicebus.windows.net")
    }
    assert found["vaultTargets"].condition == "empty(keyVaultName)"
    assert found["vaultTargets"].yes == []
    assert reached(found["vaultTargets"].no) == {
        ("key-vault", "vault", "privatelink.vaultcore.azure.net")
    }
    assert found["targets"] == Expression("concat(storageTargets, busTargets, vaultTargets)")
    assert NETWORK.modules["endpoints"].over == Expression("targets")


def test_every_zone_that_an_endpoint_is_named_in_is_there_and_no_other():
    found = NETWORK.variables
    for kind in ("storage", "bus", "vault"):
        targets, zones = found[f"{kind}Targets"], found[f"{kind}Zones"]
        if kind != "storage":
            assert (zones.condition, zones.yes) == (targets.condition, [])
            targets, zones = targets.no, zones.no
        assert {zone_name(each) for each in zones} == {zone for *_, zone in reached(targets)}
    assert found["zoneNames"] == Expression("concat(storageZones, busZones, vaultZones)")
    for made in ("privateDnsZones", "privateDnsZones/virtualNetworkLinks"):
        assert NETWORK.only(f"Microsoft.Network/{made}").over == Expression("zoneNames")
    endpoints = NETWORK.modules["endpoints"].value
    assert endpoints["params"]["zoneId"] == Expression(
        "resourceId('Microsoft.Network/privateDnsZones', each.zone)"
    )
    assert endpoints["dependsOn"] == [Expression("zones")]


@pytest.mark.parametrize("path", BICEP, ids=lambda path: path.name)
def test_endpoints_are_made_one_after_another(path: Path):
    """Side by side, those of one account and in one zone fail now and then.

    Source: https://github.com/Azure/bicep-registry-modules/issues/962
    """
    file = read_bicep(path)
    loops = [each for each in (file.modules | file.resources).values() if each.over is not None]
    ours = [
        each for each in loops if "private-endpoint" in each.of or "privateEndpoints" in each.of
    ]
    assert len(ours) == (1 if path.name == "network.bicep" else 0)
    for each in ours:
        assert each.decorators.get("batchSize") == [1], each.symbol


def test_an_endpoint_is_named_after_what_it_reaches_for_it_cannot_be_turned_elsewhere():
    """A namespace of another tier, or a store of another name, gets an endpoint of its own."""
    params = NETWORK.modules["endpoints"].value["params"]
    assert "uniqueString(each.id)" in params["name"].text
    assert params["targetId"] == Expression("each.id")


def test_the_address_that_the_app_calls_out_from_is_optional_and_stays():
    assert main().params["natGatewayEnabled"].value is False
    assert main().variables["hasNatGateway"] == Expression("vnetEnabled && natGatewayEnabled")
    assert given("network")["natGatewayEnabled"] == Expression("hasNatGateway")
    assert NETWORK.modules["natGateway"].condition == "natGatewayEnabled"
    address = NAT.only("Microsoft.Network/publicIPAddresses")
    assert address.value["sku"] == {"name": "Standard"}
    assert address.properties == {"publicIPAllocationMethod": "Static"}
    gateway = NAT.only("Microsoft.Network/natGateways")
    assert gateway.properties["publicIpAddresses"] == [{"id": Expression("address.id")}]
    app, endpoints = NETWORK.only("Microsoft.Network/virtualNetworks").properties["subnets"]
    assert app["properties"]["natGateway"] == Choice(
        "natGatewayEnabled", {"id": Expression("natGateway!.outputs.id")}, None
    )
    assert "natGateway" not in endpoints["properties"]
    assert main().outputs["FANOUT_OUTBOUND_IP"].value == Choice(
        "hasNatGateway", Expression("network!.outputs.outboundAddress"), ""
    )


def test_instances_are_replaced_all_at_once_unless_told_otherwise():
    strategies = [["Recreate", "RollingUpdate"]]
    declared = main().params["updateStrategy"]
    assert declared.decorators["allowed"] == strategies
    assert APP.params["updateStrategy"].decorators["allowed"] == strategies
    assert declared.value == "Recreate"
    assert given("app")["updateStrategy"] == Expression("updateStrategy")
    site = APP.only("Microsoft.Web/sites")
    assert site.properties["functionAppConfig"]["siteUpdateStrategy"] == {
        "type": Expression("updateStrategy")
    }


def test_the_site_is_of_a_version_that_knows_update_strategies():
    """Said of 2024-11-01 and later: https://learn.microsoft.com/azure/azure-functions/flex-consumption-site-updates."""
    version = APP.only("Microsoft.Web/sites").of.partition("@")[2]
    assert version >= "2024-11-01"


def test_whoever_reads_an_output_of_what_may_not_be_there_says_that_it_is():
    """Or the compiler warns, BCP318, and a deployment may fail."""
    for file in (main(), NETWORK):
        text = file.path.read_text()
        for symbol, each in file.modules.items():
            if each.condition is not None:
                assert f"{symbol}.outputs" not in text, symbol


def commands(heading: str) -> list[str]:
    """What a section of the page has one type."""
    section = PAGE.split(f"\n### {heading}\n")[1].split("\n## ")[0].split("\n### ")[0]
    return [line for block in section.split("```")[1::2] for line in block.splitlines() if line]


def test_an_app_is_stopped_while_what_it_needs_is_shut_and_everything_can_be_opened_again():
    steps = commands("On")
    change = steps.index("azd provision")
    assert steps[change - 2].startswith("az functionapp stop ")
    assert steps[change - 1] == "azd env set VNET_ENABLED true"
    assert steps[change + 1].startswith("az functionapp start ")
    reopened = "\n".join(steps[change + 2 :])
    for output in ("FANOUT_HOST_STORAGE", "FANOUT_DATA_STORAGE", "FANOUT_KEY_VAULT"):
        assert output in reopened
    assert reopened.count("--public-network-access Enabled --default-action Allow") == 2


def test_turning_it_off_turns_off_all_that_needs_it_and_takes_the_app_out():
    steps = commands("Off")
    change = steps.index("azd provision")
    variables = re.findall(r"azd env set (\w+) ('')?(false)?$", "\n".join(steps[:change]), re.M)
    asked = given("requirements").values()
    needing = {name for each in asked for name in re.findall(r"(\w+)\)*$", each.text)}
    assert needing == {"listedIps", "natGatewayEnabled"}
    assert [name for name, *_ in variables] == [
        "FANOUT_ALLOWED_IPS",
        "FANOUT_NAT_GATEWAY",
        "VNET_ENABLED",
    ]
    assert steps[change + 1].startswith("az functionapp vnet-integration remove ")
    assert "virtualNetworkSubnetId" in steps[change + 2]


def test_an_app_is_taken_out_before_its_subnet_is_deleted_and_the_link_is_waited_for():
    *_, removal, look = commands("Delete what is left")
    assert removal.startswith("az functionapp vnet-integration remove ")
    app, _ = NETWORK.only("Microsoft.Network/virtualNetworks").properties["subnets"]
    assert f" -n {app['name']} " in look
    assert "serviceAssociationLinks" in look


def test_the_page_names_settings_and_outputs_that_there_are_and_the_hub_of_developers():
    known = set(re.findall(r"\$\{(\w+)", (INFRA / "main.parameters.json").read_text()))
    known |= set(main().outputs)
    for variable in re.findall(r"azd env (?:set|get-value) ([A-Z_]+)", PAGE):
        assert variable in known, variable
    hub = module("developer-hub").only("Microsoft.DurableTask/schedulers/taskHubs")
    assert f"`{hub.value['name']}`" in PAGE
    for name in NEEDS.params:
        assert f"`{name}`" in PAGE
