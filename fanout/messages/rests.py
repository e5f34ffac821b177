"""How a batch tells its orchestration that it gave back a rest while it still is at work."""

from typing import Any

from fanout.messages.base import Message
from fanout.naming.blob_paths import BatchName


class RestNews(Message):
    """What the event says.

    Attributes:
        cuts: How many cuts the batch has kept, from its first.
        item_ms: How long an item of it takes at least, on average.
    """

    cuts: int
    item_ms: float

    def dump(self) -> str:
        """As the value of an event: plain text, for what JSON becomes of it depends on the host."""
        return f"{self.cuts} {self.item_ms:.0f}"

    @classmethod
    def load(cls, value: Any) -> "RestNews | None":
        """The inverse of `dump`, of whatever text came; None if it says nothing."""
        words = str(value).strip('"').split()
        if len(words) != 2 or not all(word.isdecimal() for word in words):
            return None
        return cls(cuts=int(words[0]), item_ms=float(words[1]))


SCOUT_EVENT = "rest-of-scout"


def rest_event(name: BatchName) -> str:
    """The event that tells it: one of its own for each batch, since one may come early.

    The SDK gives an event that nobody waits for yet to each later wait of its name.
    """
    return f"rest-{name.partition}-{name.first_cut}-{name.span}"
