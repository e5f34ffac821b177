"""A queue of sessions: the messages of one session go to one receiver, in their order.

A receiver holds a session, not messages: their locks end with the session's. One that closes gives
back what it holds uncounted; when the session's lock expires, or the receiver's connection breaks,
the delivery counts.
Source: https://learn.microsoft.com/azure/service-bus-messaging/message-sessions
"""

import heapq
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

from localhost.stack.broker.message import LockLostError, Message
from localhost.stack.broker.message_queue import Lock, MessageQueue

NO_SESSION = "Session ID is null."
NO_SESSION_WORDS = (
    "Session enabled entity doesn't allow a message whose session identifier is null."
)


class SessionTakenError(Exception):
    """Another receiver has this session."""


class SessionLostError(LockLostError):
    """The session is not held: its lock expired, or nobody took it."""


@dataclass(eq=False)
class SessionLock:
    """A session in the hands of one receiver."""

    session_id: str
    locked_until: float
    tokens: set[UUID] = field(default_factory=set)


class SessionQueue(MessageQueue):
    """The messages of a queue or a subscription that requires sessions.

    Args:
        session_of: Reads the session id of an encoded message.
        fields: As those of any queue.
    """

    def __init__(
        self, *fields: Any, session_of: Callable[[bytes], str | None], **named_fields: Any
    ) -> None:
        super().__init__(*fields, **named_fields)
        self._session_of = session_of
        self._ready_of: dict[str, list[int]] = {}
        self._held: dict[str, SessionLock] = {}
        self._states: dict[str, bytes] = {}

    def accept(self, session_id: str | None) -> SessionLock | None:
        """Hold a session, or the first that has messages; None where there is none.

        Raises:
            SessionTakenError: Another receiver has this one.
        """
        self.advance()
        if session_id is None:
            free = [
                (numbers[0], name)
                for name in self._ready_of
                if name not in self._held and (numbers := self._numbers_of(name))
            ]
            if not free:
                return None
            session_id = min(free)[1]
        elif session_id in self._held:
            raise SessionTakenError(
                f"The session {session_id!r} of {self.path!r} cannot be locked: another receiver "
                "has it."
            )
        lock = SessionLock(session_id, self._clock() + self._settings.lock_seconds)
        self._held[session_id] = lock
        return lock

    def is_held(self, lock: SessionLock) -> bool:
        """Whether the session still belongs to its receiver."""
        self.advance()
        return self._held.get(lock.session_id) is lock

    def has_ready_in(self, lock: SessionLock) -> bool:
        """Whether the session's receiver would get something now."""
        return self.is_held(lock) and bool(self._numbers_of(lock.session_id))

    def receive_in(self, lock: SessionLock) -> Lock | None:
        """Lock the first message of a session, or return None."""
        if not self.has_ready_in(lock):
            return None
        return self._lock(self._messages[heapq.heappop(self._ready_of[lock.session_id])])

    def receive_and_delete_in(self, lock: SessionLock) -> Message | None:
        """Remove the first message of a session, or return None."""
        if not self.has_ready_in(lock):
            return None
        message = self._messages[heapq.heappop(self._ready_of[lock.session_id])]
        self._drop(message)
        return message

    def renew_session(self, session_id: str) -> float:
        """Hold a session and its messages for as long again; return the end.

        Raises:
            SessionLostError: Nobody holds it.
        """
        self.advance()
        lock = self._find_session(session_id)
        lock.locked_until = self._clock() + self._settings.lock_seconds
        lock.tokens &= self._locks.keys()
        for token in list(lock.tokens):
            self._hold(token, self._locks[token].message)
        return lock.locked_until

    def state(self, session_id: str) -> bytes | None:
        """What receivers have kept with a session."""
        return self._states.get(session_id)

    def set_state(self, session_id: str, state: bytes | None) -> None:
        """Keep this with a session; None: nothing."""
        self.restore_state(session_id, state)
        self._journal.keep_state(self.path, session_id, state)

    def restore_state(self, session_id: str, state: bytes | None) -> None:
        """Take back a state that the journal had."""
        self._states.pop(session_id, None)
        if state is not None:
            self._states[session_id] = state

    def close_session(self, lock: SessionLock, *, is_counted: bool) -> None:
        """Give a session back with what its receiver has not settled."""
        if not self.is_held(lock):
            return
        del self._held[lock.session_id]
        give_back = self.abandon if is_counted else self.release
        for token in lock.tokens & self._locks.keys():
            give_back(token)

    def advance(self) -> None:
        """Take back sessions that were held for too long, too; see `MessageQueue`."""
        super().advance()
        now = self._clock()
        for lock in [lock for lock in self._held.values() if lock.locked_until <= now]:
            del self._held[lock.session_id]

    def next_due(self) -> float | None:
        """See `MessageQueue`."""
        ends = [lock.locked_until for lock in self._held.values()]
        due = super().next_due()
        return min([*ends, *([] if due is None else [due])], default=None)

    def browse_session(self, session_id: str) -> list[Message]:
        """The messages of one session, in the order of their numbers."""
        return [m for m in self.browse() if self._session_of(m.content) == session_id]

    def _make_ready(self, message: Message) -> None:
        session_id = self._session_of(message.content)
        if session_id is None:  # it came by a topic, which takes any message
            self._bury(message, NO_SESSION, NO_SESSION_WORDS)
            return
        heapq.heappush(self._ready_of.setdefault(session_id, []), message.sequence_number)

    def _numbers_of(self, session_id: str) -> list[int]:
        """The messages of a session that are ready."""
        numbers = self._ready_of.get(session_id, [])
        while numbers and numbers[0] not in self._messages:
            heapq.heappop(numbers)  # it expired
        if not numbers:
            self._ready_of.pop(session_id, None)
        return numbers

    def _find_deferred(self, sequence_numbers: Iterable[int]) -> list[Message]:
        messages = super()._find_deferred(sequence_numbers)
        for message in messages:  # before any is locked
            self._find_session(self._session_of(message.content) or "")
        return messages

    def _hold(self, token: UUID, message: Message) -> Lock:
        session = self._find_session(self._session_of(message.content) or "")
        session.tokens.add(token)
        return self._hold_until(token, message, session.locked_until)

    def _find_session(self, session_id: str) -> SessionLock:
        lock = self._held.get(session_id)
        if lock is None:
            raise SessionLostError(
                f"The session {session_id!r} of {self.path!r} is not held: its lock expired, or no "
                "receiver took it."
            )
        return lock
