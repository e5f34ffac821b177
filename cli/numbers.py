"""The numbers of options: those that the app takes, so that a slip is told at once."""

import math

import typer

MAX_COUNT = 2**53 - 1
MAX_BATCHES = 6_400
MAX_BATCH_ITEMS = 1_000_000
MAX_TRIES = 100
MIN_RATE, MAX_RATE = 0.001, 1_000_000_000
# A year: whoever watches a run does not wait longer.
MAX_WATCH_SECONDS = 31_536_000
_SHOWN_CHARACTERS = 60


def parse_number(text: str, low: float, high: float) -> float:
    """Read a number that is finite and within bounds.

    Raises:
        ValueError: It is none.
    """
    number = float(text)
    if not low <= number <= high:
        raise ValueError(f"it is not from {low:g} to {high:g}")
    return number


def parse_count(text: str) -> int:
    """Read a whole number from 0 on; raises what `parse_number` does."""
    number = int(text)
    if not 0 <= number <= MAX_COUNT:
        raise ValueError(f"it is not from 0 to {MAX_COUNT}")
    return number


def insist_on_finite(number: float | None) -> float | None:
    """Refuse ``nan``, which no bound keeps out; the callback of an option."""
    if number is not None and not math.isfinite(number):
        raise typer.BadParameter("it is no finite number")
    return number


def shorten(text: str) -> str:
    """A text of the command line as a message shows it."""
    return text if len(text) <= _SHOWN_CHARACTERS else f"{text[:_SHOWN_CHARACTERS]}..."
