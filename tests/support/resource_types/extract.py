"""Takes what templates need of Microsoft's types of resources into `types.json`.

    python -m tests.support.resource_types.extract PATH TYPE@VERSION ...

PATH is a clone of Azure/bicep-types-az, with or without a work tree. The types that are in the file
already are taken anew. The README says when.
"""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

FILE = Path(__file__).with_name("types.json")
REQUIRED, READ_ONLY = 1, 2
SIMPLE = {
    "AnyType": "any",
    "BooleanType": "bool",
    "IntegerType": "int",
    "NullType": "null",
    "StringType": "string",
}

Node = Any


class Extract:
    """The types of one file of Microsoft's, as nodes of ours."""

    def __init__(self, types: list[dict[str, Any]], nodes: dict[str, Node], prefix: str) -> None:
        """Nodes go into `nodes`, each object under a key that begins with `prefix`."""
        self._types = types
        self._nodes = nodes
        self._prefix = prefix

    def body_of(self, resource: str) -> Node | None:
        """The body of a resource, if the file has it."""
        for each in self._types:
            if each["$type"] == "ResourceType" and each["name"].lower() == resource.lower():
                return self._node(each["body"])
        return None

    def _node(self, reference: dict[str, str]) -> Node:
        index = int(reference["$ref"].partition("#/")[2])
        found = self._types[index]
        kind = found["$type"]
        if kind in SIMPLE:
            return SIMPLE[kind]
        if kind == "StringLiteralType":
            return {"one of": [found["value"]]}
        if kind == "ArrayType":
            return {"list of": self._node(found["itemType"])}
        if kind == "UnionType":
            return self._union(found)
        return self._object(index, found)

    def _union(self, found: dict[str, Any]) -> Node:
        elements = [self._node(each) for each in found["elements"]]
        literals = [text for each in elements if isinstance(each, dict) for text in each["one of"]]
        # With any text besides, the literals are proposals.
        return "string" if "string" in elements else {"one of": sorted(literals)}

    def _object(self, index: int, found: dict[str, Any]) -> Node:
        key = f"{self._prefix}{index}"
        if key not in self._nodes:
            self._nodes[key] = {}
            if found["$type"] == "DiscriminatedObjectType":
                node: Node = {
                    "by": found["discriminator"],
                    "of": self._properties(found["baseProperties"]),
                    "kinds": {name: self._node(each) for name, each in found["elements"].items()},
                }
            else:
                node = {"of": self._properties(found["properties"])}
                if found.get("additionalProperties"):
                    node["more"] = self._node(found["additionalProperties"])
            self._nodes[key] = node
        return {"as": key}

    def _properties(self, found: dict[str, Any]) -> dict[str, Node]:
        return {
            name + ("!" if each["flags"] & REQUIRED else ""): self._node(each["type"])
            for name, each in sorted(found.items())
            if not each["flags"] & READ_ONLY
        }


def main(clone: str, *wanted: str) -> None:
    """Write the file anew."""
    known = json.loads(FILE.read_text()) if FILE.exists() else {"resources": {}}
    nodes: dict[str, Node] = {}
    resources = {
        resource: body_of(clone, resource, nodes)
        for resource in sorted({*wanted, *known["resources"]})
    }
    commit = git(clone, "rev-parse", "HEAD").strip()
    made = {"commit": commit, "resources": resources, "nodes": nodes}
    FILE.write_text(json.dumps(made, separators=(",", ":"), indent=0) + "\n")


def body_of(clone: str, resource: str, nodes: dict[str, Node]) -> Node:
    """The body of a resource, from whichever of Microsoft's files has it."""
    kind, _, version = resource.partition("@")
    end = f"/{kind.partition('/')[0]}/{version}/types.json".lower()
    listed = git(clone, "ls-tree", "-r", "--name-only", "HEAD", "generated").splitlines()
    for path in listed:
        if path.endswith(end):
            types = json.loads(git(clone, "show", f"HEAD:{path}"))
            prefix = path.removeprefix("generated/").removesuffix("types.json")
            body = Extract(types, nodes, prefix).body_of(resource)
            if body is not None:
                return body
    raise SystemExit(f"{resource} is in none of {end}")


def git(clone: str, *arguments: str) -> str:
    """What a command of Git says about the clone."""
    said = subprocess.run(["git", "-C", clone, *arguments], capture_output=True, check=True)
    return said.stdout.decode()


if __name__ == "__main__":
    main(*sys.argv[1:])
