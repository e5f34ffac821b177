"""JSON documents with something hostile in them, at a place of a schema or of an example."""

import gzip
import json
from random import Random
from typing import Any

from tests.support.hostile.generated.values import VALUES, hostile_value
from tests.support.hostile.numbers import Place

_MARK = "@hostile@"
_ENCODINGS = ("utf-8-sig", "utf-16", "utf-16-le", "utf-32", "utf-7", "latin-1", "cp1252")


def at_each_place(places: list[Place], number: int, chance: Random) -> tuple[str, bytes]:
    """A document of a schema with a hostile value; as numbers count up, each place has each kind.

    Returns:
        What it is, for people, and the document.
    """
    turn, at = divmod(number, len(places))
    kind = [*VALUES][turn % len(VALUES)]
    return f"{kind} at {places[at].field}", places[at].document_of(VALUES[kind](chance))


def mutate(example: Any, chance: Random) -> tuple[str, bytes]:
    """A sound document with one to three harms, of which the last may be to its bytes."""
    document = json.loads(json.dumps(example))
    values = []
    for _ in range(chance.randint(1, 3)):
        document = _replace(document, chance)
        values.append(hostile_value(chance))
    data = json.dumps(document).encode()
    for value in values:
        data = data.replace(f'"{_MARK}"'.encode(), value, 1)
    if chance.random() < 0.8:
        return "mutation", data
    return "mutation of bytes", damage_bytes(data, chance)


def _replace(document: Any, chance: Random) -> Any:
    """Put a mark at some place, deep or not."""
    if isinstance(document, dict) and document and chance.random() < 0.9:
        name = chance.choice([*document, *document, "unknown"])
        if name != "unknown" and chance.random() < 0.05:
            return {key: value for key, value in document.items() if key != name}
        return {**document, name: _replace(document.get(name), chance)}
    if isinstance(document, list) and document and chance.random() < 0.9:
        at = chance.randrange(len(document))
        return [*document[:at], _replace(document[at], chance), *document[at + 1 :]]
    return _MARK


def damage_bytes(data: bytes, chance: Random) -> bytes:
    """Cut off, change, double or encode the bytes of something."""
    at, other = sorted(chance.randrange(len(data) + 1) for _ in range(2))
    kind = chance.randrange(6)
    if kind == 0:
        return data[:at]
    if kind == 1:
        return data[:at] + chance.randbytes(chance.randint(1, 8)) + data[at:]
    if kind == 2:
        return data[:at] + data[other:]
    if kind == 3:
        return data[:other] + data[at:]
    if kind == 4:
        return data.decode("utf-8", "replace").encode(chance.choice(_ENCODINGS), "replace")
    return gzip.compress(data)
