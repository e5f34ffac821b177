"""A double of the SDK's durable client, for what only happens when callers meet or things fail."""

from dataclasses import dataclass, field
from types import SimpleNamespace
from typing import Any


@dataclass
class Client:
    """A durable client that knows `instances`, and whose starts may come too late.

    Attributes:
        states: What entities know, by key.
        signals: Every signal that was sent: key, operation, input.
        purged: Every instance whose history was purged.
    """

    instances: set[str] = field(default_factory=set)
    late: bool = False
    is_away: bool = False
    started: list[str] = field(default_factory=list)
    states: dict[str, Any] = field(default_factory=dict)
    signals: list[tuple[str, str, Any]] = field(default_factory=list)
    purged: list[str] = field(default_factory=list)
    finished: set[str] = field(default_factory=set)

    async def get_status(self, instance_id: str) -> Any:
        if self.is_away:
            raise ConnectionError("the host is away")
        if instance_id not in self.instances:
            return None
        value = "Completed" if instance_id in self.finished else "Running"
        status = SimpleNamespace(value=value)
        return SimpleNamespace(runtime_status=status, instance_id=instance_id, name="run")

    async def get_status_by(self, runtime_status: Any) -> list[Any]:
        return [await self.get_status(one) for one in sorted(self.instances - self.finished)]

    async def start_new(self, name: str, instance_id: str, value: Any) -> str:
        if self.late:
            self.instances.add(instance_id)
            raise Exception("an instance with this id exists")  # noqa: TRY002 - as the SDK does
        if self.is_away:
            raise ConnectionError("the host is away")
        self.started.append(instance_id)
        return instance_id

    async def read_entity_state(self, entity: Any) -> Any:
        if self.is_away:
            raise ConnectionError("the host is away")
        state = self.states.get(entity.key)
        return SimpleNamespace(entity_exists=state is not None, entity_state=state)

    async def signal_entity(self, entity: Any, operation: str, said: Any = None) -> None:
        self.signals.append((entity.key, operation, said))

    async def purge_instance_history(self, instance_id: str) -> None:
        self.purged.append(instance_id)
