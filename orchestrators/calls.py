"""What orchestrators call: each call can be made again, and knows its own answer by a ticket."""

from dataclasses import dataclass
from functools import cached_property
from typing import Any, Protocol

from pydantic import BaseModel

from fanout.durable import orchestration as durable
from fanout.messages.payloads import dump
from fanout.messages.tickets import add_ticket, call_ticket, child_ticket

# How often the SDK tries an activity that infrastructure failed, and how long after; it has no
# back-off.
MAX_TRIES = 5
FIRST_INTERVAL_MS = 2000


class Call(Protocol):
    """Something to call, again if need be.

    Attributes:
        context: Of the orchestration that makes it.
        ticket: What its answer bears.
    """

    @property
    def context(self) -> Any: ...
    @property
    def ticket(self) -> str: ...

    def __call__(self) -> Any:
        """Make it; gives the task."""
        ...


@dataclass(frozen=True)
class Activity:
    """An activity, which the SDK tries again when it fails unless it is to be tried `once`."""

    context: Any
    name: str
    message: BaseModel
    once: bool = False

    @cached_property
    def _dumped(self) -> dict[str, Any]:
        return dump(self.message)

    @cached_property
    def ticket(self) -> str:
        return call_ticket(self.name, self._dumped)

    def __call__(self) -> Any:
        message = add_ticket(self._dumped, self.ticket)
        if self.once:
            return durable.call_activity(self.context, self.name, message)
        return durable.call_activity_with_retry(
            self.context, self.name, message, FIRST_INTERVAL_MS, MAX_TRIES
        )


@dataclass(frozen=True)
class Child:
    """A sub-orchestration, which is known by its own id."""

    context: Any
    name: str
    message: BaseModel
    instance: str

    @property
    def ticket(self) -> str:
        return child_ticket(self.instance)

    def __call__(self) -> Any:
        return durable.call_child(self.context, self.name, dump(self.message), self.instance)
