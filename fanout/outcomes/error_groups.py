"""Failures by kind: their type and message, how many, and one to look at."""

from collections import Counter
from collections.abc import Iterable

from fanout.models.status import ErrorGroup


class ErrorGroups:
    """Adds up failures; of each kind the first example is kept."""

    def __init__(self, groups: Iterable[ErrorGroup] = ()) -> None:
        self._counts: Counter[tuple[str, str]] = Counter()
        self._examples: dict[tuple[str, str], str | None] = {}
        for group in groups:
            self.add(group.type, group.message, group.count, group.example_item)

    def add(self, kind: str, message: str, count: int, example_item: str | None) -> None:
        """Add failures of one kind."""
        self._counts[kind, message] += count
        self._examples.setdefault((kind, message), example_item)

    def most_frequent(self, max_kinds: int) -> list[ErrorGroup]:
        """The most frequent kinds, the most frequent first."""
        return [
            ErrorGroup(type=key[0], message=key[1], count=count, example_item=self._examples[key])
            for key, count in self._counts.most_common(max_kinds)
        ]
