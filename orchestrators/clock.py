"""The time of an orchestration: that of its history, the same in every replay."""

from datetime import datetime

from fanout.durable.orchestration import now

__all__ = ["moment", "now", "timestamp"]


def timestamp(time: datetime) -> str:
    """A time of the orchestration's clock as ISO 8601 in UTC."""
    return time.replace(tzinfo=None).isoformat(timespec="milliseconds") + "Z"


def moment(text: str) -> datetime:
    """The inverse of `timestamp`, aware."""
    return datetime.fromisoformat(text)
