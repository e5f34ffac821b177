"""A double of the SDK's durable client, for what only happens when callers meet or things fail."""

from dataclasses import dataclass, field
from datetime import UTC, datetime
from types import SimpleNamespace
from typing import Any

CREATED = datetime(2026, 1, 1, tzinfo=UTC)
ENDED = {"Completed", "Failed", "Terminated", "Canceled"}


@dataclass
class Client:
    """A durable client that knows `instances`, and whose starts may come too late.

    Attributes:
        instances: Orchestrations that there are.
        statuses: What Durable calls the state of those that are not running.
        outputs: What those that have ended say.
        late: Whether somebody else is always first to start.
        is_away: Whether the host does not answer.
        never_ends: Orchestrations that go on whatever they are told.
        started: What was started, in order, with `inputs`.
        purged: Every instance whose history was purged, in order.
        terminated: Every instance that was told to end.
        events: Every event that was raised, with its orchestration.
    """

    instances: set[str] = field(default_factory=set)
    statuses: dict[str, str] = field(default_factory=dict)
    outputs: dict[str, Any] = field(default_factory=dict)
    late: bool = False
    is_away: bool = False
    never_ends: set[str] = field(default_factory=set)
    started: list[str] = field(default_factory=list)
    inputs: list[Any] = field(default_factory=list)
    purged: list[str] = field(default_factory=list)
    terminated: list[str] = field(default_factory=list)
    events: list[tuple[str, str]] = field(default_factory=list)

    def end(self, instance_id: str, status: str = "Completed", output: Any = None) -> None:
        """Have an orchestration end."""
        self.instances.add(instance_id)
        self.statuses[instance_id] = status
        self.outputs[instance_id] = output

    async def get_status(self, instance_id: str) -> Any:
        self._answer()
        if instance_id not in self.instances:
            return None
        return SimpleNamespace(
            runtime_status=SimpleNamespace(value=self.statuses.get(instance_id, "Running")),
            instance_id=instance_id,
            name="run",
            created_time=CREATED,
            last_updated_time=CREATED,
            output=self.outputs.get(instance_id),
        )

    async def start_new(self, name: str, instance_id: str, value: Any) -> str:
        self._answer()
        if self.late:
            self.instances.add(instance_id)
        if instance_id in self.instances and self.statuses.get(instance_id) not in ENDED:
            raise Exception("an instance with this id exists")  # noqa: TRY002 - as the SDK does
        self.instances.add(instance_id)
        self.statuses.pop(instance_id, None)
        self.started.append(instance_id)
        self.inputs.append(value)
        return instance_id

    async def raise_event(self, instance_id: str, name: str) -> None:
        self._answer()
        if instance_id not in self.instances:
            raise Exception(f"No instance with ID {instance_id} found.")  # noqa: TRY002 - as the SDK
        self.events.append((instance_id, name))

    async def terminate(self, instance_id: str, reason: str) -> None:
        self._answer()
        self.terminated.append(instance_id)
        if instance_id not in self.never_ends:
            self.end(instance_id, "Terminated", reason)

    async def purge_instance_history(self, instance_id: str) -> Any:
        self._answer()
        if instance_id in self.instances and self.statuses.get(instance_id) not in ENDED:
            raise Exception("412: it is still running")  # noqa: TRY002 - as the SDK does
        self.purged.append(instance_id)
        is_known = instance_id in self.instances
        self.instances.discard(instance_id)
        return SimpleNamespace(instances_deleted=int(is_known))

    def _answer(self) -> None:
        if self.is_away:
            raise ConnectionError("the host is away")
