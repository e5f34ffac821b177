"""Hints for who has mistyped a name."""

from collections.abc import Iterable
from difflib import get_close_matches
from itertools import islice

# To compare takes the square of a length, and each choice once: nobody mistypes more.
MAX_NAME_CHARACTERS = 200
MAX_CHOICES = 2000


def similar_names(name: str, choices: Iterable[str]) -> list[str]:
    """The choices that are written much as a name is, capitals aside, the nearest first.

    Names longer than `MAX_NAME_CHARACTERS` are like none, and of many choices the first are tried.
    """
    if len(name) > MAX_NAME_CHARACTERS:
        return []
    by_folded = {
        choice.casefold(): choice
        for choice in islice(choices, MAX_CHOICES)
        if len(choice) <= MAX_NAME_CHARACTERS
    }
    return [by_folded[folded] for folded in get_close_matches(name.casefold(), by_folded, n=3)]


def did_you_mean(name: str, choices: Iterable[str]) -> str:
    """The end of a message about a name that is none: a question, or nothing."""
    similar = similar_names(name, choices)
    return f"; did you mean '{similar[0]}'?" if similar else ""


def shorten_name(name: str) -> str:
    """A name as a message shows it: its beginning, where it is long."""
    if len(name) <= MAX_NAME_CHARACTERS:
        return name
    return name[:MAX_NAME_CHARACTERS] + "…"
