"""Storage in memory that notes for how long whoever asks it would wait, and in which threads."""

import threading
from dataclasses import dataclass, field
from functools import wraps
from types import FunctionType
from typing import Any

from fanout.adapters.patience import current_patience
from fanout.adapters.rows.rows import Rows
from fanout.adapters.run_files.files import RunFiles
from tests.support.doubles.memory_store import MemoryStore
from tests.support.doubles.memory_tables import MemoryTables


@dataclass
class WatchedStorage:
    """Blobs and rows of an app.

    Attributes:
        ends: Until when each call would have waited, by its thread.
    """

    ends: dict[int, set[float]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.files = RunFiles(self._watch(MemoryStore), "runs")
        self.rows = Rows(self._watch(MemoryTables), "fanoutruns")

    def _watch(self, kind: type[Any]) -> Any:
        """An object of a class each of whose methods is noted before it is called."""
        methods = {
            name: self._note(method)
            for name, method in vars(kind).items()
            if isinstance(method, FunctionType) and not name.startswith("_")
        }
        return type(f"Watched{kind.__name__}", (kind,), methods)()

    def _note(self, method: Any) -> Any:
        @wraps(method)
        def call(*given: Any, **named: Any) -> Any:
            self.ends.setdefault(threading.get_ident(), set()).add(current_patience().end)
            return method(*given, **named)

        return call
