"""Every resource has the properties, and the values, that Microsoft's type of it allows."""

from pathlib import Path

import pytest

from tests.support.bicep import read_bicep
from tests.support.infra_files import BICEP
from tests.support.resource_types.check import RESOURCES, faults

HEAD = "resource store 'Microsoft.Storage/storageAccounts@2022-09-01' = {\n"
GOOD = """  name: 'x'
  location: 'westeurope'
  kind: 'StorageV2'
  sku: {
    name: 'Standard_LRS'
  }
"""


def found_in(folder: Path, text: str) -> list[str]:
    path = folder / "one.bicep"
    path.write_text(text)
    file = read_bicep(path)
    return [fault for each in file.resources.values() for fault in faults(file, each)]


@pytest.mark.parametrize("path", BICEP, ids=lambda path: path.name)
def test_every_resource_is_as_its_type_says(path: Path):
    file = read_bicep(path)
    assert [fault for each in file.resources.values() for fault in faults(file, each)] == []


def test_the_types_are_those_of_the_templates():
    used = {each.of for path in BICEP for each in read_bicep(path).resources.values()}
    assert len(used) > 25
    assert used <= set(RESOURCES)


def test_a_resource_without_a_fault_has_none(tmp_path: Path):
    assert found_in(tmp_path, f"{HEAD}{GOOD}}}\n") == []


@pytest.mark.parametrize(
    ("lines", "fault"),
    [
        (
            "  properties: {\n    allowBlobPublicAcces: false\n  }\n",
            "allowBlobPublicAcces: no prop",
        ),
        ("  properties: {\n    provisioningState: 'x'\n  }\n", "provisioningState: no property"),
        ("  properties: {\n    allowBlobPublicAccess: 'no'\n  }\n", "'no' is no bool"),
        ("  properties: {\n    accessTier: 'Luke'\n  }\n", "'Luke' is none of"),
        ("  properties: 'x'\n", "is no object"),
        ("  tags: {\n    a: 1\n  }\n", "tags.a: 1 is no string"),
        ("  properties: {\n    networkAcls: {\n    }\n  }\n", "networkAcls: lacks defaultAction"),
        (
            "  properties: {\n    networkAcls: {\n      defaultAction: 'Deny'\n"
            "      ipRules: 'x'\n    }\n  }\n",
            "ipRules: 'x' is no list",
        ),
    ],
)
def test_faults_are_found(lines: str, fault: str, tmp_path: Path):
    (found,) = found_in(tmp_path, f"{HEAD}{GOOD}{lines}}}\n")
    assert fault in found


def test_faults_are_found_in_choices_variables_and_parameters(tmp_path: Path):
    lines = """  properties: {
    accessTier: tier
    allowBlobPublicAccess: days
    networkAcls: isStrict ? rules : {
      defaultAction: 'Warn'
    }
  }
"""
    before = """param isStrict bool
param days int
@allowed([
  'Hot'
  'Warm'
])
param tier string
var rules = {
  bypass: 'None'
}
"""
    found = found_in(tmp_path, f"{before}{HEAD}{GOOD}{lines}}}\n")
    assert len(found) == 4
    for part in (
        "'Warm', which tier may be",
        "days is int, not bool",
        "lacks defaultAction",
        "'Warn'",
    ):
        assert any(part in fault for fault in found), part


def test_a_type_that_is_not_there_and_an_existing_resource_with_properties_are_faults(
    tmp_path: Path,
):
    (found,) = found_in(tmp_path, HEAD.replace("2022", "1999") + GOOD + "}\n")
    assert "README.md" in found
    existing = HEAD.replace("' = {", "' existing = {") + "  name: 'x'\n  location: 'x'\n}\n"
    assert found_in(tmp_path, existing) == ["location: an existing resource has a name only"]
