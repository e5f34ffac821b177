"""What becomes of a document: cut off, emptied, overwritten, or written by somebody else."""

import json
from collections.abc import Callable
from random import Random

Damage = Callable[[bytes, Random], bytes]


def _cut(data: bytes, chance: Random) -> bytes:
    return data[: chance.randrange(1, max(2, len(data)))]


def _flip(data: bytes, chance: Random) -> bytes:
    noise = bytearray(data)
    for _ in range(8):
        noise[chance.randrange(len(noise))] = chance.randrange(256)
    return bytes(noise)


DAMAGES: dict[str, Damage] = {
    "cut": _cut,
    "half": lambda data, chance: data[: len(data) // 2],
    "empty": lambda data, chance: b"",
    "zeros": lambda data, chance: bytes(len(data)),
    "flips": _flip,
    "no text": lambda data, chance: b"\xff\xfe" + data,
    "another kind": lambda data, chance: b"[]",
    "null": lambda data, chance: b"null",
    "nothing in it": lambda data, chance: b"{}",
    "deep": lambda data, chance: b"[" * 5_000 + b"]" * 5_000,
}


def of_version(data: bytes, version: object) -> bytes:
    """The same document, as another version of the app would write it."""
    return json.dumps(json.loads(data) | {"version": version}).encode()
