"""What `<entity>/$management` answers: peek, schedule, cancel, renew, deferred messages, settle.

Source: https://learn.microsoft.com/azure/service-bus-messaging/service-bus-amqp-request-response
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from itertools import islice
from typing import Any
from uuid import UUID

from proton import UNDESCRIBED, Array, Data, timestamp

from localhost.stack.broker import encoding
from localhost.stack.broker.message import (
    LockLostError,
    Message,
    MessageNotFoundError,
    NotAllowedError,
)
from localhost.stack.broker.message_queue import MessageQueue
from localhost.stack.broker.namespace import MANAGEMENT, Namespace, UnknownEntityError, path
from localhost.stack.broker.session_queue import SessionLostError

PREFIX = "com.microsoft:"
ARGUMENT_ERROR = "com.microsoft:argument-error"
MESSAGE_NOT_FOUND = "com.microsoft:message-not-found"
MESSAGE_LOCK_LOST = "com.microsoft:message-lock-lost"
SESSION_LOCK_LOST = "com.microsoft:session-lock-lost"
NOT_FOUND = "amqp:not-found"
NOT_ALLOWED = "amqp:not-allowed"
NOT_IMPLEMENTED = "amqp:not-implemented"
SETTLED_ON_RECEIPT = 0
MILLISECONDS = 1000

_FAULTS: dict[type[Exception], tuple[int, str]] = {
    UnknownEntityError: (404, NOT_FOUND),
    MessageNotFoundError: (404, MESSAGE_NOT_FOUND),
    SessionLostError: (410, SESSION_LOCK_LOST),
    LockLostError: (410, MESSAGE_LOCK_LOST),
    NotAllowedError: (403, NOT_ALLOWED),
    encoding.MalformedMessageError: (400, ARGUMENT_ERROR),
    KeyError: (400, ARGUMENT_ERROR),
}


@dataclass(frozen=True)
class Answer:
    """The answer to a request; `condition` names the error, if it is one."""

    status: int
    description: str = "OK"
    condition: str | None = None
    body: Mapping[str, Any] | None = None


class Management:
    """Does what clients ask of an entity beside sending and receiving.

    Args:
        namespace: The entities.
    """

    def __init__(self, namespace: Namespace) -> None:
        self._namespace = namespace
        self._operations: dict[str, Callable[[str, Mapping[str, Any]], Answer]] = {
            "peek-message": self._peek,
            "schedule-message": self._schedule,
            "cancel-scheduled-message": self._cancel,
            "renew-lock": self._renew,
            "receive-by-sequence-number": self._receive_deferred,
            "update-disposition": self._settle,
            "renew-session-lock": self._renew_session,
            "get-session-state": self._session_state,
            "set-session-state": self._set_session_state,
        }

    def authorize(self, name: str) -> Answer:
        """Accept a token for an entity, named by its URL; Service Bus knows none that is absent."""
        address = path(name)
        if self._namespace.has(address.removesuffix(MANAGEMENT)):
            return Answer(202, "Accepted")
        return Answer(404, f"The messaging entity '{name}' could not be found.", NOT_FOUND)

    def answer(self, address: str, operation: str, body: Any) -> Answer:
        """Do what is asked of the entity at `address`."""
        handle = self._operations.get(operation.removeprefix(PREFIX))
        if handle is None:
            return Answer(501, f"The operation {operation!r} is not supported.", NOT_IMPLEMENTED)
        if not isinstance(body, Mapping):
            return Answer(400, "The request has no map for a body.", ARGUMENT_ERROR)
        try:
            return handle(address, body)
        except tuple(_FAULTS) as error:
            return _fault(error)

    def _peek(self, address: str, body: Mapping[str, Any]) -> Answer:
        first = body["from-sequence-number"]
        session_id = body.get("session-id")
        if session_id is None:
            browsed = self._namespace.browse(address)
        else:
            browsed = self._namespace.session_queue(address).browse_session(session_id)
        matches = (m for m in browsed if m.sequence_number >= first)
        messages = [_content(message) for message in islice(matches, int(body["message-count"]))]
        if not messages:
            return Answer(204, "No content", MESSAGE_NOT_FOUND)
        return Answer(200, body={"messages": messages})

    def _schedule(self, address: str, body: Mapping[str, Any]) -> Answer:
        ingress = self._namespace.ingress(address)
        drafts = [encoding.read_draft(bytes(each["message"])) for each in body["messages"]]
        ingress.check(drafts)
        numbers = [ingress.send(draft) for draft in drafts]
        return Answer(200, body={"sequence-numbers": _array(Data.LONG, numbers)})

    def _cancel(self, address: str, body: Mapping[str, Any]) -> Answer:
        self._namespace.ingress(address).cancel(_elements(body["sequence-numbers"]))
        return Answer(200)

    def _renew(self, address: str, body: Mapping[str, Any]) -> Answer:
        ends = self._namespace.queue(address).renew(_elements(body["lock-tokens"]))
        milliseconds = [int(end * MILLISECONDS) for end in ends]
        return Answer(200, body={"expirations": _array(Data.TIMESTAMP, milliseconds)})

    def _renew_session(self, address: str, body: Mapping[str, Any]) -> Answer:
        end = self._namespace.session_queue(address).renew_session(body["session-id"])
        return Answer(200, body={"expiration": timestamp(int(end * MILLISECONDS))})

    def _session_state(self, address: str, body: Mapping[str, Any]) -> Answer:
        state = self._namespace.session_queue(address).state(body["session-id"])
        return Answer(200, body={"session-state": state})

    def _set_session_state(self, address: str, body: Mapping[str, Any]) -> Answer:
        state = body["session-state"]
        self._namespace.session_queue(address).set_state(
            body["session-id"], None if state is None else bytes(state)
        )
        return Answer(200)

    def _receive_deferred(self, address: str, body: Mapping[str, Any]) -> Answer:
        queue = self._namespace.queue(address)
        numbers = _elements(body["sequence-numbers"])
        if body["receiver-settle-mode"] == SETTLED_ON_RECEIPT:
            messages = [_content(m) for m in queue.receive_and_delete_deferred(numbers)]
        else:
            messages = [
                _content(lock.message, lock.locked_until) | {"lock-token": lock.token}
                for lock in queue.receive_deferred(numbers)
            ]
        return Answer(200, body={"messages": messages})

    def _settle(self, address: str, body: Mapping[str, Any]) -> Answer:
        queue = self._namespace.queue(address)
        status = body["disposition-status"]
        settle = _settlements(queue, body).get(status)
        if settle is None:
            return Answer(400, f"The disposition {status!r} is unknown.", ARGUMENT_ERROR)
        for token in _elements(body["lock-tokens"]):
            settle(token)
        return Answer(200)


def _fault(error: Exception) -> Answer:
    status, condition = next(answer for kind, answer in _FAULTS.items() if isinstance(error, kind))
    text = f"The request has no {error}." if isinstance(error, KeyError) else str(error)
    return Answer(status, text, condition)


def _settlements(queue: MessageQueue, body: Mapping[str, Any]) -> dict[str, Callable[[UUID], None]]:
    reason, description = body.get("deadletter-reason"), body.get("deadletter-description")
    return {
        "completed": queue.complete,
        "abandoned": queue.abandon,
        "defered": queue.defer,  # as Service Bus spells it
        "suspended": lambda token: queue.dead_letter(token, reason, description),
    }


def _content(message: Message, locked_until: float | None = None) -> dict[str, Any]:
    return {"message": encoding.encode_for_receiver(message, locked_until)}


def _array(kind: int, values: list[int]) -> Array:
    return Array(UNDESCRIBED, kind, *values)


def _elements(value: Any) -> list[Any]:
    return list(value.elements if isinstance(value, Array) else value)
