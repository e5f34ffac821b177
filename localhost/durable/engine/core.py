"""What the parts of the engine share: the app's functions, the store, the clock, fresh numbers."""

import itertools
import uuid
from collections.abc import Callable
from datetime import datetime

from localhost.durable.engine.functions import DurableFunctions
from localhost.durable.engine.tearing import Tearing
from localhost.durable.host_json import DurableSettings
from localhost.durable.protocol import times
from localhost.durable.storage.store import Store


class Core:
    """Shared by reference; `resume_after` continues the numbering of a reopened store."""

    def __init__(
        self,
        store: Store,
        settings: DurableSettings,
        functions: DurableFunctions,
        clock: Callable[[], datetime],
        tearing: Tearing,
    ) -> None:
        self.store = store
        self.settings = settings
        self.functions = functions
        self.clock = clock
        self.tearing = tearing
        self._sequence = itertools.count(1)
        self._invocations = itertools.count()
        self._invocation_prefix = str(uuid.uuid4())[:24]

    def resume_after(self, sequence: int) -> None:
        """Number what arrives from now on above what is stored."""
        self._sequence = itertools.count(sequence + 1)

    def next_sequence(self) -> int:
        """The next number in the order of arrival."""
        return next(self._sequence)

    def stamp(self) -> str:
        """The time now, as it is stored."""
        return times.stamp(self.clock())

    def new_invocation_id(self) -> str:
        """An id in the form of a GUID: random for the process, counted within it."""
        return f"{self._invocation_prefix}{next(self._invocations):012x}"
