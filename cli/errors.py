"""The errors of the command line."""

from dataclasses import dataclass, field
from typing import Any


class CommandError(Exception):
    """A command cannot be carried out; the message says why and what to do."""


@dataclass
class ApiError(CommandError):
    """The API refused a call.

    Attributes:
        faults: Fields of the request that are wrong, each with a message.
        problem: The problem JSON of the response (RFC 9457); empty where it has none.
    """

    status: int
    title: str
    detail: str
    faults: list[tuple[str, str]] = field(default_factory=list)
    problem: dict[str, Any] = field(default_factory=dict)

    def __str__(self) -> str:
        """The whole error, a field a line."""
        lines = [f"{self.title} ({self.status}): {self.detail}"]
        lines += [f"  {name}: {message}" for name, message in self.faults]
        return "\n".join(lines)
