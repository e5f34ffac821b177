"""How an orchestration stands, as Durable says."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any


@dataclass(frozen=True, slots=True)
class InstanceStatus:
    """An orchestration that there is.

    Attributes:
        runtime: What Durable calls its state: `Pending`, `Running`, `Completed`, ...
        created_at: When it was started.
        updated_at: When it last changed.
        output: What it came to, or why it was ended.
    """

    runtime: str | None
    created_at: datetime | None = None
    updated_at: datetime | None = None
    output: Any = None
