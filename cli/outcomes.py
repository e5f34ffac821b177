"""The outcomes of a run: the exit code and the colour of each."""

from enum import StrEnum

# Exit codes besides those of outcomes; 2 is click's own: a mistake in how a command is written.
FAILED = 1
INTERRUPTED = 130


class Outcome(StrEnum):
    """How a run ended."""

    SUCCEEDED = "succeeded"
    PARTIALLY_SUCCEEDED = "partially_succeeded"
    FAILED = "failed"
    COMPENSATED = "compensated"
    CANCELLED = "cancelled"


EXIT_CODES: dict[str, int] = {
    Outcome.SUCCEEDED: 0,
    Outcome.PARTIALLY_SUCCEEDED: 3,
    Outcome.FAILED: 4,
    Outcome.COMPENSATED: 5,
    Outcome.CANCELLED: 6,
}
_STYLES: dict[str, str] = {
    Outcome.SUCCEEDED: "green",
    Outcome.PARTIALLY_SUCCEEDED: "yellow",
    Outcome.FAILED: "red",
    Outcome.COMPENSATED: "magenta",
    Outcome.CANCELLED: "cyan",
}


def exit_code(outcome: str) -> int:
    """The exit code of an outcome; that of an unknown one, of a newer app, is 1."""
    return EXIT_CODES.get(outcome, FAILED)


def style(outcome: str) -> str:
    """The colour of an outcome."""
    return _STYLES.get(outcome, "white")
