"""What goes wrong on the command line, and the exit codes that say how a run ended."""

from dataclasses import dataclass, field
from typing import Any

# 2 is click's own: a mistake in how a command is written.
FAILED = 1
EXIT_CODES = {
    "succeeded": 0,
    "partially_succeeded": 3,
    "failed": 4,
    "compensated": 5,
    "cancelled": 6,
}


class CommandError(Exception):
    """A command cannot be carried out; the message says why and what to do."""


@dataclass
class ApiError(CommandError):
    """The API refused a call.

    Attributes:
        problem: Its problem JSON (RFC 9457); empty where it answered with none.
    """

    status: int
    title: str
    detail: str
    faults: list[tuple[str, str]] = field(default_factory=list)
    problem: dict[str, Any] = field(default_factory=dict)

    def __str__(self) -> str:
        """The whole of it, a field a line."""
        lines = [f"{self.title} ({self.status}): {self.detail}"]
        lines += [f"  {name}: {message}" for name, message in self.faults]
        return "\n".join(lines)
