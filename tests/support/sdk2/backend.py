"""The in-memory backend of durabletask, as patient and as forgiving as Azure's."""

import socket
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from durabletask.testing.in_memory_backend import InMemoryOrchestrationBackend

PATIENCE_SECONDS = 600.0
MOST_EVENTS = 1_000_000


class Backend(InMemoryOrchestrationBackend):
    """Starts an orchestration again under its id, and waits for a child longer than half a minute.

    As in Azure: from outside one that has ended, as a child whatever there is of that id.
    """

    def StartInstance(self, request: Any, context: Any) -> Any:
        with self._lock:
            known = self._instances.get(request.instanceId)
            if known is not None and self._is_terminal_status(known.status):
                self._forget(request.instanceId)
        return super().StartInstance(request, context)

    def _create_instance_internal(self, instance_id: str, *given: Any, **more: Any) -> Any:
        self._forget(instance_id)
        return super()._create_instance_internal(instance_id, *given, **more)

    def _forget(self, instance_id: str) -> None:
        if self._instances.pop(instance_id, None) is not None:
            self._orchestration_queue_set.discard(instance_id)

    def _wait_for_state(self, instance_id: str, predicate: Any, timeout: float | None) -> Any:
        return super()._wait_for_state(instance_id, predicate, timeout or PATIENCE_SECONDS)


@contextmanager
def running_backend() -> Iterator[str]:
    """Start a backend; gives its address."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    backend = Backend(MOST_EVENTS, port)
    backend.start()
    try:
        yield f"127.0.0.1:{port}"
    finally:
        backend.stop(grace=0)
