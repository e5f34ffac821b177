"""Query and headers of a request, as functions and expressions see them."""

from collections.abc import Iterable
from urllib.parse import parse_qsl


def query_values(text: str) -> dict[str, str]:
    """The values of a query; empty ones are left out."""
    # Names that differ only in case are one, as in ASP.NET; the first spelling is kept.
    spelling: dict[str, str] = {}
    pairs = (
        (spelling.setdefault(name.lower(), name), value)
        for name, value in parse_qsl(text, keep_blank_values=True)
    )
    return {name: value for name, value in join_values(pairs).items() if value}


def join_values(pairs: Iterable[tuple[str, str]]) -> dict[str, str]:
    """Make one value of those that have one name."""
    values: dict[str, list[str]] = {}
    for name, value in pairs:
        values.setdefault(name, []).append(value)
    # As .NET's StringValues joins them: without the empty ones.
    return {name: ",".join(filter(None, several)) for name, several in values.items()}
