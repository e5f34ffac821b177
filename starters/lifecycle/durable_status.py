"""What Durable says of an orchestration, and what that means for a run."""

from datetime import UTC, datetime
from typing import Any

from fanout.durable.client import read_status
from fanout.durable.status import InstanceStatus
from fanout.messages.run import RunEnd

# A run whose own orchestration has failed is not over: the watchdog takes it over.
ENDED_BY_FORCE = {"Terminated", "Canceled"}
FINISHED = ENDED_BY_FORCE | {"Failed", "Completed"}


def runtime_of(durable: InstanceStatus | None) -> str | None:
    """What Durable calls the state of an orchestration; None where there is no orchestration."""
    return durable.runtime if durable else None


async def is_unfinished(instance: str, client: Any) -> bool:
    """Tell whether there is an orchestration that has not finished."""
    return runtime_of(await read_status(client, instance)) not in (None, *FINISHED)


def forced_end(durable: InstanceStatus | None, now: datetime) -> RunEnd:
    """The end of a run that Durable has ended by force, which could not write its end itself."""
    at = iso_time(durable.updated_at) if durable else None
    reason = durable.output if durable else None
    return RunEnd(
        outcome="failed",
        error=None if reason is None else str(reason),
        at=at or iso_time(now),
        is_forced=True,
    )


def iso_time(moment: datetime | None) -> str | None:
    """A time of the SDK as ISO 8601 in UTC; one without a time zone is in UTC."""
    if moment is None:
        return None
    aware = moment if moment.tzinfo else moment.replace(tzinfo=UTC)
    return aware.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
