"""What is read of an app's files: host.json, what settings replace in it, and pins."""

import json
from pathlib import Path

import pytest

from starters.diagnosis.findings import (
    Installation,
    error,
    find_worst,
    good,
    read_installation,
    warning,
)

HOST = {"version": "2.0", "extensions": {"durableTask": {"hubName": "FanoutHub"}}}


def test_settings_replace_values_of_host_json_by_their_path(tmp_path: Path):
    (tmp_path / "host.json").write_text(json.dumps(HOST), encoding="utf-8-sig")
    settings = {
        "AzureFunctionsJobHost__extensions__durableTask__maxConcurrentActivityFunctions": "3",
        "AzureFunctionsJobHost__extensions__http__routePrefix": "",
        "AzureFunctionsJobHost__version__nothing": "1",
    }
    found = read_installation([tmp_path / "none", tmp_path], settings, 1)
    assert found.find("extensions/durableTask/maxConcurrentActivityFunctions") == 3
    assert found.find("extensions/durableTask/hubName") == "FanoutHub"
    assert found.find("extensions/http/routePrefix", "api") == ""
    assert found.find("version") == "2.0"
    assert found.find("version/nothing", "no") == "no"


def test_a_library_may_have_a_pin_for_each_python(tmp_path: Path):
    (tmp_path / "host.json").write_text("{}")
    lines = (
        "# what is deployed",
        "-c requirements.lock.txt",
        'azure-functions==1.26.0; python_version < "3.13"',
        'Azure-Functions==2.3.0 ; python_version >= "3.13"',
        "some[extra]==1",
        "unpinned",
    )
    (tmp_path / "requirements.txt").write_text("\n".join(lines))
    found = read_installation([tmp_path], {}, 0)
    assert found.pins == {"azure-functions": {"1.26.0", "2.3.0"}, "some": {"1"}}


def test_files_that_are_not_there_or_cannot_be_read_are_none(tmp_path: Path):
    assert read_installation([tmp_path], {}, 0).host is None
    for text in ("[]", "{", "\x00"):
        (tmp_path / "host.json").write_text(text)
        assert read_installation([tmp_path], {}, 0).host is None


def test_the_worst_finding_is_what_counts():
    found = [good("a", "x"), warning("b", "x", "do"), error("c", "x", "do")]
    assert [find_worst(found[:n]) for n in range(4)] == ["ok", "ok", "warning", "error"]


@pytest.mark.parametrize(
    ("environment", "is_in_azure"),
    [
        ({"WEBSITE_INSTANCE_ID": "0"}, True),
        ({"WEBSITE_SKU": "FlexConsumption"}, True),
        ({"WEBSITE_POD_NAME": "0--1"}, True),
        ({"CONTAINER_NAME": "0--1", "LEGION_SERVICE_HOST": "10.0.0.1"}, True),
        ({"CONTAINER_NAME": "of-a-developer", "WEBSITE_HOSTNAME": "localhost:7071"}, False),
        ({}, False),
    ],
)
def test_azure_is_told_by_what_each_plan_sets(environment: dict[str, str], is_in_azure: bool):
    assert Installation({}, environment, {}).is_in_azure == is_in_azure
