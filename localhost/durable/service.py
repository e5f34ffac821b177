"""The seam between the engine and those who call it (the client RPC and the public webhooks)."""

from collections.abc import Sequence
from typing import Any, Protocol

from localhost.durable.records import EntityFilter, EntityRecord, InstanceFilter, InstanceRecord


class DurableService(Protocol):
    """The engine, as its callers see it. Each call returns once its effect is on disk."""

    @property
    def hub_name(self) -> str:
        """The task hub's name."""

    async def start_instance(
        self,
        name: str,
        *,
        instance_id: str | None = None,
        input_text: str | None = None,
        version: str | None = None,
        trace_parent: str | None = None,
    ) -> str:
        """Start an orchestration and return its id (32 hex digits where none is given)."""

    async def get_instance(self, instance_id: str) -> InstanceRecord | None:
        """Read one instance."""

    async def query_instances(
        self, instance_filter: InstanceFilter, *, top: int, token: str | None = None
    ) -> tuple[Sequence[InstanceRecord], str | None]:
        """Read a page by id, entities among them, and the token of the next, None at the end."""

    async def history(self, instance_id: str) -> Sequence[dict[str, Any]]:
        """The raw history events of the current execution, oldest first."""

    async def raise_event(self, instance_id: str, name: str, input_text: str | None) -> None:
        """Deliver an external event; kept until the orchestration waits for it."""

    async def terminate(self, instance_id: str, reason: str | None) -> None:
        """End it now; its output becomes the reason."""

    async def suspend(self, instance_id: str, reason: str) -> None:
        """Hold back everything that would wake it."""

    async def resume(self, instance_id: str, reason: str) -> None:
        """Deliver what was held back, in the order of its arrival."""

    async def rewind(self, instance_id: str, reason: str) -> None:
        """Run the failed parts of a failed instance again."""

    async def restart(self, instance_id: str, *, with_new_id: bool) -> str:
        """Start the same orchestration with the same input; return the id of the new instance."""

    async def purge(self, instance_id: str) -> int:
        """Remove every trace of one instance or entity; return how many were removed (0 or 1).

        Raises:
            WrongStateError: It has not ended.
        """

    async def purge_many(self, instance_filter: InstanceFilter) -> int:
        """Remove finished instances (or those of the statuses named); return how many."""

    async def signal_entity(
        self, name: str, key: str, operation: str, input_text: str | None
    ) -> None:
        """Queue an operation; `input_text` is encoded as the SDK's client sends it."""

    async def get_entity(self, name: str, key: str) -> EntityRecord | None:
        """Read an entity's state."""

    async def query_entities(
        self, entity_filter: EntityFilter, *, top: int, token: str | None = None
    ) -> tuple[Sequence[EntityRecord], str | None]:
        """Read a page of entities and the token of the next page, None at the end."""
