"""The task hub: its name and where it is kept."""

from typing import Any

import pytest

from starters.diagnosis.findings import Installation
from starters.diagnosis.hub import check_hub

BY_STRING = {"AzureWebJobsStorage": "UseDevelopmentStorage=true"}


def levels(
    durable: dict[str, Any], settings: dict[str, str] | None = None, in_use: str | None = None
) -> dict[str, str]:
    host = {"extensions": {"durableTask": durable}}
    found = check_hub(Installation(host, BY_STRING if settings is None else settings, {}), in_use)
    assert all((one.level == "ok") == (one.remedy == "") for one in found)
    return {one.check: one.level for one in found if one.level != "ok"}


@pytest.mark.parametrize(
    ("durable", "settings", "in_use"),
    [
        ({"hubName": "FanoutHub"}, BY_STRING, "fanouthub"),
        ({"hubName": "%HUB%"}, BY_STRING | {"HUB": "Mine"}, None),
        ({}, BY_STRING, "TestHubName"),
        ({}, {"AzureWebJobsStorage__accountName": "a"}, None),
        ({"storageProvider": {"connectionName": "OTHER"}}, {"OTHER": "x"}, None),
        (
            {"storageProvider": {"type": "azureManaged"}},
            {"DURABLE_TASK_SCHEDULER_CONNECTION_STRING": "Endpoint=x"},
            None,
        ),
    ],
)
def test_a_hub_that_is_named_and_kept_is_well(
    durable: dict[str, Any], settings: dict[str, str], in_use: str | None
):
    assert levels(durable, settings, in_use) == {}


@pytest.mark.parametrize("name", ["a", "1hub", "my-hub", "h" * 46, "%NOT_SET%"])
def test_a_name_that_no_hub_can_have_is_wrong(name: str):
    assert levels({"hubName": name}) == {"hub.name": "error"}


def test_a_hub_that_the_host_does_not_use_is_wrong():
    assert levels({"hubName": "FanoutHub"}, in_use="Other") == {"hub.name": "error"}


def test_a_connection_that_is_not_set_is_wrong():
    assert levels({}, {"WEBSITE_SKU": "FlexConsumption"}) == {"hub.storage": "error"}
    provider = {"storageProvider": {"connectionName": "OTHER"}}
    assert levels(provider) == {"hub.storage": "warning"}


def test_an_app_without_host_json_is_told_so():
    (found,) = check_hub(Installation(None, {}, {}), None)
    assert (found.check, found.level) == ("host.json", "error")
