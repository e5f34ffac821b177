"""What a compiler would refuse: names that are not there, modules that do not fit; house rules."""

import re
from itertools import pairwise
from pathlib import Path

import pytest

from tests.support.bicep import BicepFile, BicepSyntaxError, Declaration, read_bicep
from tests.support.infra_files import BICEP, INFRA, MAIN, MODULES

# Of Bicep itself: https://learn.microsoft.com/azure/azure-resource-manager/bicep/bicep-functions
FUNCTIONS = {
    "any",
    "concat",
    "contains",
    "empty",
    "endsWith",
    "environment",
    "filter",
    "guid",
    "join",
    "json",
    "loadJsonContent",
    "loadTextContent",
    "replace",
    "resourceGroup",
    "resourceId",
    "split",
    "string",
    "subscription",
    "subscriptionResourceId",
    "take",
    "toLower",
    "union",
    "uniqueString",
    "utcNow",
    "description",
    "allowed",
    "batchSize",
    "minLength",
    "maxLength",
    "minValue",
    "maxValue",
    "metadata",
    "secure",
}
LOOP_VARIABLES = {"each", "i"}
API_VERSION = re.compile(r"[A-Z]\w+(\.\w+)+/[\w/]+@20\d\d-\d\d-\d\d(-preview)?")
LOADED = re.compile(r"load(?:Json|Text)Content\('([^']+)'\)")
OUTPUT = re.compile(r"\b(\w+)!?\.outputs\.(\w+)")


def secret_params_with_defaults(file: BicepFile) -> list[str]:
    return [
        name
        for name, each in file.params.items()
        if "secure" in each.decorators and each.has_default
    ]


def names_secrets(declared: Declaration) -> bool:
    return re.search(r"(?i)(secret|password|token|sas|accountkey)$", declared.symbol) is not None


@pytest.mark.parametrize("path", BICEP, ids=lambda path: path.name)
def test_every_name_that_is_used_is_declared_and_every_one_declared_is_used(path: Path):
    file = read_bicep(path)
    declared = set(file.params) | set(file.variables) | set(file.resources) | set(file.modules)
    assert file.references - declared - FUNCTIONS - LOOP_VARIABLES == set()
    assert (set(file.params) | set(file.variables)) - file.references == set()


@pytest.mark.parametrize("path", BICEP, ids=lambda path: path.name)
def test_every_parameter_and_output_is_described(path: Path):
    file = read_bicep(path)
    for each in (*file.params.values(), *file.outputs.values()):
        (text,) = each.decorators["description"]
        assert text.strip(), each.symbol
        assert text.endswith("."), each.symbol


@pytest.mark.parametrize("path", BICEP, ids=lambda path: path.name)
def test_no_parameter_that_is_secret_has_a_default_and_none_is_secret_unmarked(path: Path):
    file = read_bicep(path)
    assert secret_params_with_defaults(file) == []
    unmarked = [
        each.symbol
        for each in file.params.values()
        if names_secrets(each) and "secure" not in each.decorators
    ]
    assert unmarked == []


@pytest.mark.parametrize("path", BICEP, ids=lambda path: path.name)
def test_every_resource_names_its_api_version_and_every_file_that_is_loaded_exists(path: Path):
    for each in read_bicep(path).resources.values():
        assert API_VERSION.fullmatch(each.of), each.of
    for name in LOADED.findall(path.read_text()):
        assert (path.parent / name).is_file(), name


@pytest.mark.parametrize("path", BICEP, ids=lambda path: path.name)
def test_every_module_is_a_file_here_that_takes_just_what_it_is_given(path: Path):
    """Raw files only: modules of a registry could not be restored without a network."""
    for each in read_bicep(path).modules.values():
        assert re.fullmatch(r"(modules/)?[a-z-]+\.bicep", each.of), each.of
        module = read_bicep(path.parent / each.of)
        required = {name for name, param in module.params.items() if not param.has_default}
        given = set(each.value["params"])
        assert required <= given, f"{each.symbol} lacks {required - given}"
        assert given <= set(module.params), f"{each.symbol} is given {given - set(module.params)}"


def test_every_output_that_is_taken_of_a_module_is_one_of_its():
    modules = {name: read_bicep(INFRA / each.of) for name, each in read_bicep(MAIN).modules.items()}
    taken = set(OUTPUT.findall(MAIN.read_text()))
    assert len(taken) > 10
    for module, output in taken:
        assert output in modules[module].outputs, f"{module}.{output}"


@pytest.mark.parametrize("path", BICEP, ids=lambda path: path.name)
def test_a_warning_that_is_silenced_is_of_the_next_line_alone_and_has_its_reason_above(path: Path):
    lines = [line.strip() for line in path.read_text().splitlines()]
    for before, line in pairwise(lines):
        if line.startswith("#"):
            assert re.fullmatch(r"#disable-next-line BCP\d{3}", line), line
            assert before.startswith("// "), line


def test_every_module_is_used():
    used = {each.of for path in BICEP for each in read_bicep(path).modules.values()}
    assert {Path(each).name for each in used} == {path.name for path in MODULES}


def test_what_a_module_is_given_as_a_literal_has_the_type_it_declares():
    kinds = {"string": str, "int": int, "bool": bool, "array": list, "object": dict}
    for each in read_bicep(MAIN).modules.values():
        declared = read_bicep(INFRA / each.of).params
        for name, value in each.value["params"].items():
            if isinstance(value, (str, int, bool, list, dict)):
                assert type(value) is kinds[declared[name].of], f"{each.symbol}.{name}"


def test_the_reader_refuses_what_is_no_bicep(tmp_path: Path):
    bad = tmp_path / "bad.bicep"
    bad.write_text("param a string =\nresource {")
    with pytest.raises(BicepSyntaxError, match=r"bad\.bicep:\d+:\d+"):
        read_bicep(bad)


def test_the_reader_sees_a_secret_with_a_default_and_a_name_that_is_not_there(tmp_path: Path):
    """So that the tests above would fail where they should."""
    bad = tmp_path / "bad.bicep"
    bad.write_text("@secure()\nparam password string = 'x'\nvar a = '${b}-${password}'\n")
    file = read_bicep(bad)
    assert secret_params_with_defaults(file) == ["password"]
    assert file.references == {"secure", "b", "password"}
    assert set(file.variables) - file.references == {"a"}
