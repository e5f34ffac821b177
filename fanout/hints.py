"""Hints for who has mistyped a name."""

from collections.abc import Iterable
from difflib import get_close_matches


def similar_names(name: str, choices: Iterable[str]) -> list[str]:
    """The choices that are written much as a name is, capitals aside, the nearest first."""
    by_folded = {choice.casefold(): choice for choice in choices}
    return [by_folded[folded] for folded in get_close_matches(name.casefold(), by_folded, n=3)]


def did_you_mean(name: str, choices: Iterable[str]) -> str:
    """The end of a message about a name that is none: a question, or nothing."""
    similar = similar_names(name, choices)
    return f"; did you mean '{similar[0]}'?" if similar else ""
