"""One turn of the event loop: what is asked in it is answered once its changes are on disk."""

from collections.abc import Callable, Hashable
from typing import Protocol


class Outgoing(Protocol):
    """A link that may have something to send."""

    @property
    def connection(self) -> Hashable:
        """The connection it is part of."""

    def pump(self) -> None:
        """Send what there is, as far as the receiver lets it."""


class Turn:
    """What the links leave to the end of the turn."""

    def __init__(self) -> None:
        self._outlets: list[Outgoing] = []
        self._answers: list[Callable[[], None]] = []

    def join(self, outlet: Outgoing) -> None:
        """Have a link send from now on."""
        self._outlets.append(outlet)

    def drop(self, outlet: Outgoing) -> None:
        """Have a link send no more."""
        self._outlets = [other for other in self._outlets if other is not outlet]

    def leave(self, connection: Hashable) -> None:
        """Have no link of this connection send any more."""
        self._outlets = [o for o in self._outlets if o.connection != connection]

    def after_commit(self, answer: Callable[[], None]) -> None:
        """Answer when what was changed so far is on disk."""
        self._answers.append(answer)

    def pump(self) -> None:
        """Let every link send."""
        for outlet in self._outlets:
            outlet.pump()

    def answer(self) -> None:
        """Give the answers that waited."""
        answers, self._answers = self._answers, []
        for answer in answers:
            answer()
