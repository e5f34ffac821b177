"""What the engine's callers are told and ask for: records of instances and entities, and filters.

Every text named `*_text` is JSON text as stored, or raw text where the stored value is no JSON
(failure text, terminate reason).
"""

from dataclasses import dataclass, field
from datetime import datetime

RUNTIME_STATUSES = (
    "Pending",
    "Running",
    "Completed",
    "ContinuedAsNew",
    "Failed",
    "Canceled",
    "Terminated",
    "Suspended",
)
FINISHED_STATUSES = frozenset({"Completed", "Failed", "Terminated", "Canceled"})


@dataclass(frozen=True, slots=True)
class InstanceRecord:
    """An orchestration instance as a status query shows it. Times are aware, UTC."""

    instance_id: str
    name: str
    execution_id: str
    version: str | None
    runtime_status: str
    input_text: str | None
    output_text: str | None
    custom_status_text: str | None
    created_at: datetime
    last_updated_at: datetime
    parent_instance_id: str | None = None

    @property
    def is_finished(self) -> bool:
        """Whether it can make no further progress."""
        return self.runtime_status in FINISHED_STATUSES


@dataclass(frozen=True, slots=True)
class EntityRecord:
    """A durable entity. `name` is lower-case; `state_text` is None once it was deleted."""

    name: str
    key: str
    state_text: str | None
    last_operation_at: datetime


@dataclass(frozen=True, slots=True)
class InstanceFilter:
    """Which instances a query or purge means; None or empty means all."""

    created_from: datetime | None = None
    created_to: datetime | None = None
    statuses: frozenset[str] = field(default_factory=frozenset)
    id_prefix: str | None = None


@dataclass(frozen=True, slots=True)
class EntityFilter:
    """Which entities a query means; None means all."""

    name: str | None = None
    operated_from: datetime | None = None
    operated_to: datetime | None = None
    with_deleted: bool = False
