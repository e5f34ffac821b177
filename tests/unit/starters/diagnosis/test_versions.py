"""Versions that the app was not tested on are named."""

import sys
from typing import Any

import pytest

from starters.diagnosis.findings import Installation
from starters.diagnosis.versions import BUNDLE, check_versions, find_versions

WELL = {"id": BUNDLE, "version": "[4.*, 5.0.0)"}
PINS = {"azure-functions": frozenset({"1.26.0", "2.3.0"})}


def levels(bundle: Any, python: str = "3.12.1", functions: str | None = "2.3.0") -> dict[str, str]:
    installation = Installation({"extensionBundle": bundle}, {}, PINS)
    found = check_versions(
        installation, python, lambda name: functions if name == "azure-functions" else "1.7.0"
    )
    assert all((one.level == "ok") == (one.remedy == "") for one in found)
    return {one.check.partition(".")[2]: one.level for one in found if one.level != "ok"}


@pytest.mark.parametrize(
    "version", ["[4.*, 5.0.0)", "[4.0.0, 5.0.0)", "[3.3.0, 5.0.0)", "(4.1,4.9]"]
)
def test_versions_that_fit_are_well(version: str):
    assert levels(WELL | {"version": version}) == {}


@pytest.mark.parametrize(
    "bundle",
    [
        None,
        {},
        {"id": "Other", "version": "[4.*, 5.0.0)"},
        *(WELL | {"version": text} for text in ("", "4", "[3.*, 4.0.0)", "[5.*, 6.0.0)")),
    ],
)
def test_a_bundle_without_the_durable_extension_of_the_app_is_wrong(bundle: Any):
    assert levels(bundle) == {"bundle": "error"}


@pytest.mark.parametrize("python", ["3.10.4", "3.14.0", "2.7.18"])
def test_a_python_that_the_app_does_not_run_on_is_wrong(python: str):
    assert levels(WELL, python) == {"python": "error"}


def test_libraries_are_those_of_the_requirements():
    assert levels(WELL, functions="1.25.0") == {"azure-functions": "warning"}
    assert levels(WELL, functions=None) == {"azure-functions": "error"}
    assert levels(WELL, functions="1.26.0") == {}


def test_the_versions_of_this_process_are_told():
    found = find_versions(Installation({"extensionBundle": WELL}, {}, {}))
    assert found["python"] == ".".join(map(str, sys.version_info[:3]))
    assert found["extension-bundle"] == "[4.*, 5.0.0)"
    assert {"azure-functions", "azure-functions-durable"} <= found.keys()
