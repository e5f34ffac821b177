"""Short forms of options, and what they mean in a request."""

from collections.abc import Mapping, Sequence
from typing import Any

from cli.documents import read_value
from cli.errors import CommandError
from cli.numbers import parse_count, parse_number, shorten


def parse_tolerance(text: str) -> dict[str, float]:
    """Parse ``10`` or ``2.5%``.

    Raises:
        CommandError: It is neither.
    """
    number = text.strip().removesuffix("%")
    try:
        if text.strip().endswith("%"):
            return {"percentage": parse_number(number, 0, 100)}
        return {"count": parse_count(number)}
    except ValueError as error:
        raise CommandError(
            f"--tolerate takes a number or a percentage, not '{shorten(text)}'."
        ) from error


def parse_parameters(pairs: Sequence[str]) -> dict[str, Any]:
    """Parse ``name=value`` pairs; a value that is JSON counts as such, any other as text.

    A dot in a name goes one object deeper: ``metrics.delay=["mean"]``.

    Raises:
        CommandError: One is no pair, or two contradict each other.
    """
    parameters: dict[str, Any] = {}
    for pair in pairs:
        name, equals, text = pair.partition("=")
        if not equals or not name:
            raise CommandError(f"-p takes name=value, not '{pair}'.")
        *parents, last = name.split(".")
        target = parameters
        for parent in parents:
            target = target.setdefault(parent, {})
            if not isinstance(target, dict):
                raise CommandError(f"-p {pair}: '{parent}' has a value already.")
        try:
            target[last] = read_value(text)
        except ValueError as error:
            raise CommandError(f"-p {name}: {error}.") from error
    return parameters


def parse_source(text: str) -> dict[str, str]:
    """Parse ``csv:container/blob``, or ``listing:container/prefix``.

    Raises:
        CommandError: It is written otherwise.
    """
    kind, colon, path = text.partition(":")
    container, slash, rest = path.partition("/")
    is_listing = kind == "listing"
    if not colon or not container or (not slash and not is_listing):
        raise CommandError(
            f"--source takes kind:container/blob, such as csv:inbox/flights.csv, not '{text}'."
        )
    return {"kind": kind, "container": container, "prefix" if is_listing else "blob": rest}


def limit_options(
    concurrency: int | None, rate: float | None, attempts: int | None, tolerate: str | None
) -> dict[str, Any]:
    """The part of a request that limits a run, for `merge_options`."""
    return {
        "concurrency": {"batches": concurrency, "items_per_second": rate},
        "retry": {"max_attempts": attempts},
        "tolerance": parse_tolerance(tolerate) if tolerate is not None else None,
    }


def merge_options(body: dict[str, Any], options: Mapping[str, Any]) -> dict[str, Any]:
    """Put options over a request; options that are None leave it as it is."""
    merged = dict(body)
    for name, value in options.items():
        if isinstance(value, dict):
            fields = {key: field for key, field in value.items() if field is not None}
            if fields:
                merged[name] = {**(merged.get(name) or {}), **fields}
        elif value is not None:
            merged[name] = value
    return merged
