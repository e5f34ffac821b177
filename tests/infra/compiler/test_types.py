"""Every resource has the properties, and the values, that Microsoft's type of it allows."""

import re
from pathlib import Path
from typing import Any

import pytest

from tests.support.bicep import BicepFile, Expression, read_bicep
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


def unknown_to_types(path: Path) -> set[str]:
    """The properties of which a template says that the service knows them and the types do not."""
    return set(re.findall(r"#disable-next-line BCP037\n\s*(\w+):", path.read_text()))


@pytest.mark.parametrize("path", BICEP, ids=lambda path: path.name)
def test_every_resource_is_as_its_type_says(path: Path):
    file = read_bicep(path)
    found = [fault for each in file.resources.values() for fault in faults(file, each)]
    excused = {
        f".{name}: no property that can be set": name for name in sorted(unknown_to_types(path))
    }
    left = [fault for fault in found if not fault.endswith(tuple(excused))]
    assert left == []
    for end, name in excused.items():
        assert any(fault.endswith(end) for fault in found), f"{name} is known: nothing to excuse"


def type_of(file: BicepFile, value: Any) -> tuple[str, set[Any]]:
    """The type of what a module is given, and its values; of other expressions none is known."""
    if isinstance(value, Expression):
        if value.text in file.params:
            param = file.params[value.text]
            return param.of, set(*param.decorators.get("allowed", [[]]))
        found = re.fullmatch(r"(\w+)!?\.outputs\.(\w+)", value.text)
        if found:
            module = read_bicep(file.path.parent / file.modules[found[1]].of)
            return module.outputs[found[2]].of, set()
    return "", set()


def misfits(file: BicepFile) -> list[str]:
    """What modules are given that is of another type than they declare."""
    wrong = []
    for call in file.modules.values():
        params = read_bicep(file.path.parent / call.of).params
        for name, value in call.value["params"].items():
            kind, values = type_of(file, file.resolved(value))
            allowed = set(*params[name].decorators.get("allowed", [[]]))
            if kind and kind != params[name].of:
                wrong.append(f"{call.symbol}.{name} is {params[name].of} and gets {kind}")
            if allowed and values - allowed:
                wrong.append(f"{call.symbol}.{name} may not be {sorted(values - allowed)}")
    return wrong


@pytest.mark.parametrize("path", BICEP, ids=lambda path: path.name)
def test_every_module_is_given_what_is_of_the_type_that_it_declares(path: Path):
    assert misfits(read_bicep(path)) == []


def test_misfits_are_found(tmp_path: Path):
    (tmp_path / "inner.bicep").write_text(
        "param names array\n@allowed([\n  'a'\n])\nparam kind string\n\noutput id string = kind\n"
    )
    call = "  name: 'x'\n  params: {{\n    names: {}\n    kind: kind\n  }}\n}}\n"
    (tmp_path / "one.bicep").write_text(
        "param names string\n@allowed([\n  'a'\n  'b'\n])\nparam kind string\n"
        f"module first 'inner.bicep' = {{\n{call.format('names')}"
        f"module second 'inner.bicep' = {{\n{call.format('first.outputs.id')}"
    )
    assert misfits(read_bicep(tmp_path / "one.bicep")) == [
        "first.names is array and gets string",
        "first.kind may not be ['b']",
        "second.names is array and gets string",
        "second.kind may not be ['b']",
    ]


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


def test_faults_are_found_in_what_a_loop_makes(tmp_path: Path):
    lines = """  properties: {
    networkAcls: {
      defaultAction: 'Deny'
      ipRules: [for each in addresses: {
        value: each
        action: 'Permit'
      }]
    }
  }
"""
    found = found_in(tmp_path, f"param addresses array\n{HEAD}{GOOD}{lines}}}\n")
    assert found == ["store.properties.networkAcls.ipRules[0].action: 'Permit' is none of Allow"]


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


def test_a_property_that_the_types_do_not_know_yet_can_be_excused_where_it_stands(tmp_path: Path):
    """The compiler takes the same line for it."""
    path = tmp_path / "one.bicep"
    lines = "  properties: {\n    #disable-next-line BCP037\n    newest: true\n  }\n"
    (found,) = found_in(tmp_path, f"{HEAD}{GOOD}{lines}}}\n")
    assert found.endswith(".newest: no property that can be set")
    assert unknown_to_types(path) == {"newest"}
