"""Documents with a number that makes no sense, made from the JSON Schemas that the app publishes.

Each number of a schema is a place. For each place there are documents that are sound but for what
stands there.
"""

import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any, NamedTuple

Schema = dict[str, Any]
Step = str | int
MANY_DIGITS = "9" * 5_000
# As they stand in a body: numbers that no schema allows, and some that JSON has not.
NEVER_NUMBERS = (
    *("1e999", "-1e999", "1e400", "NaN", "Infinity", "-Infinity", "-1e-999x", "0x10"),
    *(MANY_DIGITS, f"-{MANY_DIGITS}", f"1e{MANY_DIGITS}", f"0.{MANY_DIGITS}e999"),
    *('"1e999"', '"inf"', '"-inf"', '"Infinity"', '"nan"', '"NaN"', f'"{MANY_DIGITS}"'),
    *("[]", "{}", '""', '"one"', '"\\u0000"', "[1]", '{"a": 1}'),
)
# Of a field that may have any name.
ANY_NAME = "a"
_MARK = "@number@"
_BEGINS = {"string": '"', "array": "[", "object": "{"}
_UNIONS = ("anyOf", "oneOf", "allOf")


class Branch(NamedTuple):
    """A schema within another, and the documents' way to it.

    Attributes:
        steps: Names of fields and positions in lists.
        choices: Which alternatives of unions are taken, by the way to the union; of a union within
            another at the same place, the outer one first.
    """

    steps: tuple[Step, ...]
    schema: Schema
    choices: dict[tuple[Step, ...], tuple[Schema, ...]]


@dataclass(frozen=True)
class Place:
    """A number of a schema, or another value.

    Attributes:
        steps: The way to it in a document.
        schema: Its own schema.
        template: A sound document, with a mark where the value stands.
        others: The types of what else may stand there.
    """

    steps: tuple[Step, ...]
    schema: Schema
    template: str
    others: frozenset[str]

    @property
    def field(self) -> str:
        """Its path as the app writes it: ``source.read.items[0]``."""
        parts = (f"[{step}]" if isinstance(step, int) else f".{step}" for step in self.steps)
        return "".join(parts).removeprefix(".")

    def document(self, number: str) -> bytes:
        """The document with this text as its number."""
        return self.document_of(number.encode())

    def document_of(self, value: bytes) -> bytes:
        """The document with these bytes as the value here."""
        return self.template.encode().replace(f'"{_MARK}"'.encode(), value)

    @property
    def bounds(self) -> tuple[str, str]:
        """Texts of the least and the most that it may be."""
        return repr(self.schema["minimum"]), repr(self.schema["maximum"])

    def never_numbers(self) -> Iterator[str]:
        """Texts that are no number, nor anything else that may stand here."""
        begins = tuple(_BEGINS[kind] for kind in self.others)
        yield from (text for text in NEVER_NUMBERS if not begins or not text.startswith(begins))

    def numbers_outside(self) -> Iterator[str]:
        """Texts of numbers beyond its bounds, just beyond them and far away."""
        low, high = self.schema["minimum"], self.schema["maximum"]
        is_whole = self.schema["type"] == "integer"
        beyond = [low - 1, high + 1, low - 10**9, high * 10**6, -(10**18), 10**400]
        if not is_whole:
            beyond += [low - abs(low) * 1e-9 - 5e-324, high * (1 + 1e-9), -1e308, -1e-300]
        for number in beyond:
            if not low <= number <= high:
                yield repr(number)


def resolve(schema: Schema, root: Schema) -> Schema:
    """Follow references within a document of schemas."""
    while "$ref" in schema:
        target: Any = root
        for part in schema["$ref"].removeprefix("#/").split("/"):
            target = target[part]
        schema = target
    return schema


def walk(schema: Schema, root: Schema) -> Iterator[Branch]:
    """List every schema within a schema, but for those that contain themselves."""
    yield from _walk(Branch((), schema, {}), root, ())


def _walk(branch: Branch, root: Schema, above: tuple[int, ...]) -> Iterator[Branch]:
    schema = resolve(branch.schema, root)
    if id(schema) in above:
        return
    above, branch = (*above, id(schema)), branch._replace(schema=schema)
    yield branch
    for child in _children(branch):
        yield from _walk(child, root, above)


def _children(branch: Branch) -> Iterator[Branch]:
    schema, steps, choices = branch.schema, branch.steps, branch.choices
    for union in _UNIONS:
        for choice in schema.get(union, ()):
            taken = (*choices.get(steps, ()), choice)
            yield Branch(steps, choice, {**choices, steps: taken})
    for name, child in schema.get("properties", {}).items():
        yield Branch((*steps, name), child, choices)
    if isinstance(schema.get("additionalProperties"), dict):
        yield Branch((*steps, ANY_NAME), schema["additionalProperties"], choices)
    if isinstance(schema.get("items"), dict):
        yield Branch((*steps, 0), schema["items"], choices)


def number_places(schema: Schema, root: Schema) -> list[Place]:
    """List the places of numbers in the documents of a schema, each once."""
    return _places(schema, root, _is_number)


def every_place(schema: Schema, root: Schema) -> list[Place]:
    """List the places of values of any type in the documents of a schema, each once."""
    return _places(schema, root, lambda branch: True)


def _is_number(branch: Branch) -> bool:
    return branch.schema.get("type") in ("integer", "number") and "const" not in branch.schema


def _places(schema: Schema, root: Schema, is_chosen: Callable[[Branch], bool]) -> list[Place]:
    places = {}
    branches = list(walk(schema, root))
    for branch in filter(is_chosen, branches):
        document = _example(schema, root, (), branch)
        kinds = {str(b.schema.get("type")) for b in branches if b.steps == branch.steps}
        others = frozenset(kinds & _BEGINS.keys())
        place = Place(branch.steps, branch.schema, json.dumps(document), others)
        places[place.template] = place
    return list(places.values())


def _example(schema: Schema, root: Schema, steps: tuple[Step, ...], goal: Branch) -> Any:
    """Make a small document of a schema, with the mark where the goal is."""
    if steps == goal.steps:
        return _MARK
    schema = resolve(schema, root)
    is_on_way = goal.steps[: len(steps)] == steps
    following = goal.steps[len(steps)] if is_on_way else None
    for union in _UNIONS:
        if schema.get(union):
            taken = goal.choices.get(steps, ()) if is_on_way else ()
            ways = [way for way in schema[union] if any(way is chosen for chosen in taken)]
            return _example([*ways, schema[union][0]][0], root, steps, goal)
    if "const" in schema or "enum" in schema:
        return schema.get("const", next(iter(schema.get("enum", [None]))))
    if schema.get("type") == "object":
        return _object(schema, root, steps, goal, following)
    if schema.get("type") == "array":
        count = max(schema.get("minItems", 0), int(following is not None))
        return [_example(schema["items"], root, (*steps, n), goal) for n in range(count)]
    return schema.get("minimum", "abc" if schema.get("type") == "string" else None)


def _object(
    schema: Schema, root: Schema, steps: tuple[Step, ...], goal: Branch, following: Any
) -> dict[str, Any]:
    fields = schema.get("properties", {})
    names = dict.fromkeys([*schema.get("required", ()), *([following] if following else ())])
    other = schema.get("additionalProperties")
    # A text in a request has one of two forms.
    form = {"text": "1"} if {"text", "base64"} <= fields.keys() else {}
    return form | {
        name: _example(fields.get(name, other), root, (*steps, name), goal) for name in names
    }
