"""One turn of the event loop: what is asked in it is answered once its changes are on disk."""

from collections.abc import Callable
from typing import Protocol

from proton import Connection, Sender, Session


class Outgoing(Protocol):
    """What sends by a link.

    Attributes:
        waits_until: When it gives up waiting for what it sends from; None: it does not wait.
    """

    waits_until: float | None

    def pump(self, link: Sender) -> None:
        """Send what there is, as far as the receiver lets it."""

    def lose(self) -> None:
        """The client went without a word."""


class Turn:
    """What the links leave to the end of the turn.

    Only here are links held beside what serves them. Proton holds the server of a link with the
    link, out of the garbage collector's sight: one that held its link would hold it for ever.
    """

    def __init__(self) -> None:
        self._outlets: list[tuple[Sender, Outgoing]] = []
        self._answers: list[Callable[[], None]] = []

    def join(self, link: Sender, outlet: Outgoing) -> None:
        """Have a link send from now on."""
        self._outlets.append((link, outlet))

    def drop(self, link: Sender) -> None:
        """Have a link send no more."""
        self._outlets = [pair for pair in self._outlets if pair[0] != link]

    def leave(self, endpoint: Session | Connection) -> None:
        """Have no link of this session or connection send any more."""
        kept: list[tuple[Sender, Outgoing]] = []
        ended: list[tuple[Sender, Outgoing]] = []
        for pair in self._outlets:
            is_kept = endpoint not in (pair[0].session, pair[0].connection)
            (kept if is_kept else ended).append(pair)
        self._outlets = kept
        for _, outlet in ended:
            outlet.lose()

    def after_commit(self, answer: Callable[[], None]) -> None:
        """Answer when what was changed so far is on disk."""
        self._answers.append(answer)

    def next_due(self) -> float | None:
        """When a link that waits has waited long enough; None: none does."""
        ends = (outlet.waits_until for _, outlet in self._outlets)
        return min((end for end in ends if end is not None), default=None)

    def pump(self) -> None:
        """Let every link send."""
        for link, outlet in list(self._outlets):
            outlet.pump(link)

    def answer(self) -> None:
        """Give the answers that waited."""
        answers, self._answers = self._answers, []
        for answer in answers:
            answer()
