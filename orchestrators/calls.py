"""What orchestrators call: each call can be made again, and knows its own answer by a ticket."""

from dataclasses import dataclass
from functools import cached_property
from typing import Any, Protocol

from pydantic import BaseModel

from fanout.messages.payloads import dump
from fanout.messages.tickets import ticket_of, ticket_of_child, with_ticket
from orchestrators.retries import infrastructure


class Call(Protocol):
    """Something to call, again if need be.

    Attributes:
        ticket: What its answer bears.
    """

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
        return ticket_of(self.name, self._dumped)

    def __call__(self) -> Any:
        message = with_ticket(self._dumped, self.ticket)
        if self.once:
            return self.context.call_activity(self.name, message)
        return self.context.call_activity_with_retry(self.name, infrastructure(), message)


@dataclass(frozen=True)
class Child:
    """A sub-orchestration, which is known by its own id."""

    context: Any
    name: str
    message: BaseModel
    instance: str

    @property
    def ticket(self) -> str:
        return ticket_of_child(self.instance)

    def __call__(self) -> Any:
        return self.context.call_sub_orchestrator(self.name, dump(self.message), self.instance)
