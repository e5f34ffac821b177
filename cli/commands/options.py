"""Options that are written in short, and what they say in a request."""

import json
from collections.abc import Mapping, Sequence
from typing import Any

from cli.errors import CommandError


def tolerance_of(text: str) -> dict[str, float]:
    """Read ``10`` or ``2.5%``.

    Raises:
        CommandError: It is neither.
    """
    number = text.strip().removesuffix("%")
    try:
        if text.strip().endswith("%"):
            return {"percentage": float(number)}
        return {"count": int(number)}
    except ValueError as error:
        raise CommandError(f"--tolerate takes a number or a percentage, not '{text}'.") from error


def parameters_of(pairs: Sequence[str]) -> dict[str, Any]:
    """Read ``name=value`` pairs; a value that is JSON counts as such, any other as text.

    A dot in a name goes one object deeper: ``metrics.delay=["mean"]``.

    Raises:
        CommandError: One is no pair, or two contradict each other.
    """
    made: dict[str, Any] = {}
    for pair in pairs:
        name, equals, text = pair.partition("=")
        if not equals or not name:
            raise CommandError(f"-p takes name=value, not '{pair}'.")
        *above, last = name.split(".")
        at = made
        for part in above:
            at = at.setdefault(part, {})
            if not isinstance(at, dict):
                raise CommandError(f"-p {pair}: '{part}' has a value already.")
        at[last] = _value(text)
    return made


def _value(text: str) -> Any:
    try:
        return json.loads(text)
    except ValueError:
        return text


def source_of(text: str) -> dict[str, str]:
    """Read ``csv:container/blob``, or ``listing:container/prefix``.

    Raises:
        CommandError: It is written otherwise.
    """
    kind, colon, where = text.partition(":")
    container, slash, rest = where.partition("/")
    if not colon or not container or (not slash and kind != "listing"):
        raise CommandError(
            f"--source takes kind:container/blob, such as csv:inbox/flights.csv, not '{text}'."
        )
    if kind == "listing":
        return {"kind": kind, "container": container, "prefix": rest}
    return {"kind": kind, "container": container, "blob": rest}


def amended(body: dict[str, Any], said: Mapping[str, Any]) -> dict[str, Any]:
    """Put what options said over what a request says; what was not said stays as it is."""
    made = dict(body)
    for name, value in said.items():
        if isinstance(value, dict):
            inner = {key: one for key, one in value.items() if one is not None}
            if inner:
                made[name] = {**(made.get(name) or {}), **inner}
        elif value is not None:
            made[name] = value
    return made
