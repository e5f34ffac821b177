"""Compares a resource with Microsoft's type of it, as the compiler does (BCP035 to BCP037).

Only what is written as a literal, an object, a list, a loop or the name of a variable or parameter
is looked into; other expressions are taken on trust.
"""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from tests.support.bicep import BicepFile, Choice, Declaration, Expression, item_of_loop

TYPES = json.loads(Path(__file__).with_name("types.json").read_text())
NODES: dict[str, Any] = TYPES["nodes"]
RESOURCES: dict[str, Any] = TYPES["resources"]
# Of the language, not of the resource.
OF_BICEP = {"parent", "scope", "dependsOn"}
PRIMITIVE = {"string": str, "int": int, "bool": bool}


def faults(file: BicepFile, resource: Declaration) -> list[str]:
    """What is wrong with a resource, each with the path of the property."""
    if resource.of not in RESOURCES:
        return [f"{resource.of} was not extracted; see tests/support/resource_types/README.md"]
    body = {name: value for name, value in resource.value.items() if name not in OF_BICEP}
    node = RESOURCES[resource.of]
    if resource.is_existing:
        return [f"{name}: an existing resource has a name only" for name in body if name != "name"]
    return list(_faults(file, node, body, resource.symbol))


def _faults(file: BicepFile, node: Any, value: Any, path: str) -> Iterator[str]:
    value = file.resolved(value)
    if isinstance(value, Choice):
        for each in (value.yes, value.no):
            yield from _faults(file, node, each, path)
    elif isinstance(value, Expression):
        item = item_of_loop(value)
        if item is None:
            yield from _of_parameter(file, node, value.text, path)
        else:
            yield from _of_literal(file, node, [item], path)
    # Null leaves a property out.
    elif value is not None and node != "any":
        yield from _of_literal(file, node, value, path)


def _of_literal(file: BicepFile, node: Any, value: Any, path: str) -> Iterator[str]:
    if isinstance(node, str):
        if node not in PRIMITIVE or type(value) is not PRIMITIVE[node]:
            yield f"{path}: {value!r} is no {node}"
    elif "one of" in node:
        if value not in node["one of"]:
            yield f"{path}: {value!r} is none of {', '.join(node['one of'])}"
    elif "list of" in node:
        if not isinstance(value, list):
            yield f"{path}: {value!r} is no list"
            return
        for index, each in enumerate(value):
            yield from _faults(file, node["list of"], each, f"{path}[{index}]")
    elif not isinstance(value, dict):
        yield f"{path}: {value!r} is no object"
    else:
        yield from _of_object(file, NODES[node["as"]], value, path)


def _of_object(file: BicepFile, node: Any, value: dict[str, Any], path: str) -> Iterator[str]:
    known = dict(node["of"])
    if "by" in node:
        kind = value.get(node["by"])
        if not isinstance(kind, str):
            return
        if kind not in node["kinds"]:
            yield f"{path}.{node['by']}: {kind!r} is none of {', '.join(node['kinds'])}"
            return
        known |= NODES[node["kinds"][kind]["as"]]["of"]
    for name in known:
        if name.endswith("!") and name[:-1] not in value:
            yield f"{path}: lacks {name[:-1]}"
    for name, each in value.items():
        found = known.get(name, known.get(f"{name}!", node.get("more")))
        if found is None:
            yield f"{path}.{name}: no property that can be set"
        else:
            yield from _faults(file, found, each, f"{path}.{name}")


def _of_parameter(file: BicepFile, node: Any, text: str, path: str) -> Iterator[str]:
    param = file.params.get(text)
    if param is None or node == "any" or param.of not in PRIMITIVE:
        return
    if isinstance(node, str):
        if param.of != node:
            yield f"{path}: the parameter {text} is {param.of}, not {node}"
    elif "one of" in node:
        (allowed,) = param.decorators.get("allowed", [[]])
        for each in allowed:
            if each not in node["one of"]:
                others = ", ".join(node["one of"])
                yield f"{path}: {each!r}, which {text} may be, is none of {others}"
    else:
        yield f"{path}: the parameter {text} is {param.of}"
