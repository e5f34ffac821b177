"""Sources whose items stand in a request, which is kept without them.

A request may be megabytes of items, and most of what is asked of it is a setting. So items and
texts stay where they are until somebody cuts or reads them.
"""

from collections.abc import Callable
from typing import Self

from pydantic import PrivateAttr

from fanout.models.source import InlineSource, TextSource
from fanout.splitting.inline import PackedItems


class StoredItems(InlineSource):
    """Items that are loaded where they are needed."""

    _load: Callable[[], PackedItems] = PrivateAttr()

    @classmethod
    def at(cls, load: Callable[[], PackedItems]) -> Self:
        """Make a source of items; `load` gives them, and is called each time."""
        source = cls(kind="inline", items=[])
        source._load = load
        return source

    @property
    def packed(self) -> PackedItems:
        """The items."""
        return self._load()


class StoredText(TextSource):
    """A text that is loaded where it is needed."""

    _load: Callable[[], bytes] = PrivateAttr()

    @classmethod
    def at(cls, source: TextSource, load: Callable[[], bytes]) -> Self:
        """Make a source like this one; `load` gives the bytes of the text."""
        stored = cls.model_validate(source.model_dump())
        stored._load = load
        return stored

    @property
    def content(self) -> bytes:  # nothing is to be kept here
        """The bytes that are read."""
        return self._load()
