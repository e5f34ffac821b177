"""What is said between the outputs to Storage queues and the triggers that wait for messages."""

import asyncio


class QueueNews:
    """Wakes the triggers of a queue when an output of this host has sent to it."""

    def __init__(self) -> None:
        self._listeners: dict[str, list[asyncio.Event]] = {}

    def listen(self, queue: str) -> asyncio.Event:
        """An event that is set whenever something was sent."""
        event = asyncio.Event()
        self._listeners.setdefault(queue, []).append(event)
        return event

    def tell(self, queue: str) -> None:
        """Something was sent."""
        for event in self._listeners.get(queue, ()):
            event.set()
