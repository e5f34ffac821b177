"""Compares what two hosts were seen to do."""

import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

ENGINE = Path(__file__).with_name("engine.json")
ABSENT = "(absent)"
LONGEST = 300

Difference = tuple[str, Any, Any]


def engine() -> dict[str, Any]:
    """What Microsoft's engine was seen to do, case by case."""
    found: dict[str, Any] = json.loads(ENGINE.read_text(encoding="utf-8"))
    return found


def write(path: Path, records: Mapping[str, Any]) -> None:
    """Write a record, a case a line, so that a change shows which case it is of."""
    lines = [
        f"{json.dumps(name)}: {json.dumps(records[name], ensure_ascii=False, sort_keys=True)}"
        for name in sorted(records)
    ]
    path.write_text("{\n" + ",\n".join(lines) + "\n}\n", encoding="utf-8")


def differences(one: Any, other: Any, path: str = "") -> Iterator[Difference]:
    """Yield each place where two values differ, and what each has there."""
    if isinstance(one, dict) and isinstance(other, dict):
        for key in sorted(one.keys() | other.keys()):
            found = one.get(key, ABSENT), other.get(key, ABSENT)
            yield from differences(*found, f"{path}.{key}")
    elif isinstance(one, list) and isinstance(other, list) and len(one) == len(other):
        for place, (mine, yours) in enumerate(zip(one, other, strict=True)):
            yield from differences(mine, yours, f"{path}[{place}]")
    elif type(one) is not type(other) or one != other:
        yield path, one, other


def told(found: Iterator[Difference]) -> str:
    """Differences in words."""
    return "\n".join(
        f"  {path}\n    expected {_short(one)}\n    seen     {_short(other)}"
        for path, one, other in found
    )


def _short(value: Any) -> str:
    text = json.dumps(value, ensure_ascii=False)
    return text if len(text) <= LONGEST else f"{text[:LONGEST]}..."
