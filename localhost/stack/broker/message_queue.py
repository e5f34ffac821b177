"""The semantics of a queue: locks that expire, delivery counts, deferral, expiry, dead-lettering.

A message is in exactly one state: active, locked by one receiver, deferred, or gone because it was
completed, dead-lettered or expired. A message is delivered again only if its lock expired or its
receiver gave it back. Time is a parameter, and nothing here knows AMQP.
"""

import heapq
from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from uuid import UUID, uuid4

from localhost.stack.broker.message import (
    EXPIRED,
    MAX_DELIVERY_COUNT_EXCEEDED,
    Clock,
    DeadLetter,
    Journal,
    LockLostError,
    Message,
    MessageNotFoundError,
    NotAllowedError,
    State,
)
from localhost.stack.broker.settings import QueueSettings


@dataclass(frozen=True, slots=True)
class Lock:
    """A message in the hands of one receiver."""

    token: UUID
    message: Message
    locked_until: float


class MessageQueue:
    """The messages of a queue, a subscription or a dead-letter queue.

    Args:
        path: The queue, as the journal knows it.
        settings: How it was declared.
        clock: Says what time it is.
        journal: Is told of every change.
        dead_letters: Where messages go that cannot be processed; None: this is such a queue, where
            messages neither expire nor run out of deliveries.
        new_token: Makes lock tokens.
    """

    def __init__(
        self,
        path: str,
        settings: QueueSettings,
        clock: Clock,
        journal: Journal,
        *,
        dead_letters: "MessageQueue | None" = None,
        new_token: Callable[[], UUID] = uuid4,
    ) -> None:
        self.path = path
        self._settings = settings
        self._clock = clock
        self._journal = journal
        self._dead_letters = dead_letters
        self._new_token = new_token
        self._messages: dict[int, Message] = {}
        self._ready: list[int] = []
        self._locks: dict[UUID, Lock] = {}
        self._lock_ends: list[tuple[float, int, UUID]] = []
        self._life_ends: list[tuple[float, int]] = []

    def enqueue(self, message: Message) -> None:
        """Take in a message; it is journalled here."""
        self._keep(message)
        self._note_life(message)
        self._make_ready(message)

    def restore(self, message: Message) -> None:
        """Take back a message that the journal had; a lock it had is lost, and counted."""
        self._messages[message.sequence_number] = message
        self._note_life(message)
        if message.is_locked:
            self._give_back(replace(message, delivery_count=message.delivery_count + 1))
        elif message.state is State.ACTIVE:
            self._make_ready(message)

    def has_ready(self) -> bool:
        """Whether a receiver would get something now."""
        self.advance()
        while self._ready:
            message = self._messages.get(self._ready[0])
            if message is not None:
                return True
            heapq.heappop(self._ready)  # it expired
        return False

    def receive(self) -> Lock | None:
        """Lock the first message that is ready, or return None."""
        message = self._pop_ready()
        return None if message is None else self._lock(message)

    def receive_and_delete(self) -> Message | None:
        """Remove the first message that is ready, or return None."""
        message = self._pop_ready()
        if message is not None:
            self._drop(message)
        return message

    def receive_deferred(self, sequence_numbers: Iterable[int]) -> list[Lock]:
        """Lock deferred messages, all or none.

        Raises:
            MessageNotFoundError: One of them is not deferred, or is locked.
        """
        return [self._lock(message) for message in self._find_deferred(sequence_numbers)]

    def receive_and_delete_deferred(self, sequence_numbers: Iterable[int]) -> list[Message]:
        """Remove deferred messages, all or none.

        Raises:
            MessageNotFoundError: One of them is not deferred, or is locked.
        """
        messages = self._find_deferred(sequence_numbers)
        for message in messages:
            self._drop(message)
        return messages

    def complete(self, token: UUID) -> None:
        """The message was processed: remove it.

        Raises:
            LockLostError: The lock expired, or the message was settled.
        """
        self._drop(self._unlock(token))

    def abandon(self, token: UUID) -> None:
        """The message was not processed: count that, and make it ready again.

        Raises:
            LockLostError: The lock expired, or the message was settled.
        """
        message = self._unlock(token)
        self._give_back(replace(message, delivery_count=message.delivery_count + 1))

    def release(self, token: UUID) -> None:
        """The receiver did not look at the message: make it ready again, uncounted.

        Raises:
            LockLostError: The lock expired, or the message was settled.
        """
        self._give_back(self._unlock(token))

    def defer(self, token: UUID) -> None:
        """Set the message aside until it is asked for by its sequence number.

        Raises:
            LockLostError: The lock expired, or the message was settled.
        """
        message = self._unlock(token)
        deferred = replace(message, state=State.DEFERRED, delivery_count=message.delivery_count + 1)
        self._settle_unlocked(deferred)

    def dead_letter(self, token: UUID, reason: str | None, description: str | None) -> None:
        """Move the message to the dead-letter queue.

        Raises:
            LockLostError: The lock expired, or the message was settled.
            NotAllowedError: It is there already.
        """
        if self._dead_letters is None:
            raise NotAllowedError(f"{self.path!r} has no dead-letter queue of its own.")
        self._bury(self._unlock(token), reason, description)

    def renew(self, tokens: Iterable[UUID]) -> list[float]:
        """Hold locks for as long again, all or none; return their ends.

        Raises:
            LockLostError: One of the locks expired, or its message was settled.
        """
        self.advance()
        locks = [self._find_lock(token) for token in tokens]
        return [self._hold(lock.token, lock.message).locked_until for lock in locks]

    def browse(self) -> list[Message]:
        """Every message that is here, in the order of their numbers."""
        self.advance()
        return [self._messages[number] for number in sorted(self._messages)]

    def advance(self) -> None:
        """Take back what was locked for too long, and let go of what lived too long."""
        now = self._clock()
        while self._lock_ends and self._lock_ends[0][0] <= now:
            until, _, token = heapq.heappop(self._lock_ends)
            lock = self._locks.get(token)
            if lock is not None and lock.locked_until == until:
                del self._locks[token]
                message = self._messages[lock.message.sequence_number]
                self._give_back(replace(message, delivery_count=message.delivery_count + 1))
        while self._life_ends and self._life_ends[0][0] <= now:
            _, number = heapq.heappop(self._life_ends)
            candidate = self._messages.get(number)
            if candidate is not None and not candidate.is_locked:
                self._expire(candidate)

    def next_due(self) -> float | None:
        """When `advance` has something to do; None: never, as things are."""
        while self._lock_ends and not self._is_current(self._lock_ends[0]):
            heapq.heappop(self._lock_ends)
        while self._life_ends and self._life_ends[0][1] not in self._messages:
            heapq.heappop(self._life_ends)
        ends = [heap[0][0] for heap in (self._lock_ends, self._life_ends) if heap]
        return min(ends, default=None)

    def _make_ready(self, message: Message) -> None:
        heapq.heappush(self._ready, message.sequence_number)

    def _is_current(self, end: tuple[float, int, UUID]) -> bool:
        lock = self._locks.get(end[2])
        return lock is not None and lock.locked_until == end[0]

    def _pop_ready(self) -> Message | None:
        if not self.has_ready():
            return None
        return self._messages[heapq.heappop(self._ready)]

    def _find_deferred(self, sequence_numbers: Iterable[int]) -> list[Message]:
        self.advance()
        numbers = list(dict.fromkeys(sequence_numbers))
        candidates = [self._messages.get(number) for number in numbers]
        messages = [m for m in candidates if m is not None and m.state is State.DEFERRED]
        if len(messages) < len(numbers) or any(message.is_locked for message in messages):
            raise MessageNotFoundError(f"Not all of {numbers} are deferred in {self.path!r}.")
        return messages

    def _lock(self, message: Message) -> Lock:
        locked = replace(message, is_locked=True)
        lock = self._hold(self._new_token(), locked)  # first: it may be refused
        self._keep(locked)
        return lock

    def _hold(self, token: UUID, message: Message) -> Lock:
        return self._hold_until(token, message, self._clock() + self._settings.lock_seconds)

    def _hold_until(self, token: UUID, message: Message, end: float) -> Lock:
        lock = Lock(token, message, end)
        self._locks[token] = lock
        heapq.heappush(self._lock_ends, (lock.locked_until, message.sequence_number, token))
        return lock

    def _find_lock(self, token: UUID) -> Lock:
        lock = self._locks.get(token)
        if lock is None:
            raise LockLostError(
                "The lock supplied is invalid. Either the lock expired, or the message has already "
                f"been removed from {self.path!r}."
            )
        return lock

    def _unlock(self, token: UUID) -> Message:
        self.advance()
        lock = self._find_lock(token)
        del self._locks[token]
        return replace(lock.message, is_locked=False)

    def _give_back(self, message: Message) -> None:
        is_spent = message.delivery_count >= self._settings.max_delivery_count
        if is_spent and self._dead_letters is not None:
            self._bury(
                message,
                MAX_DELIVERY_COUNT_EXCEEDED,
                f"Message could not be consumed after {message.delivery_count} delivery attempts.",
            )
        else:
            self._settle_unlocked(replace(message, is_locked=False))

    def _settle_unlocked(self, message: Message) -> None:
        self._keep(message)
        end = self._life_end(message)
        if end is not None and end <= self._clock():
            self._expire(message)
        elif message.state is State.ACTIVE:
            self._make_ready(message)

    def _note_life(self, message: Message) -> None:
        end = self._life_end(message)
        if end is not None:
            heapq.heappush(self._life_ends, (end, message.sequence_number))

    def _life_end(self, message: Message) -> float | None:
        if self._dead_letters is None:
            return None
        limits = (message.time_to_live_seconds, self._settings.time_to_live_seconds)
        shortest = min((limit for limit in limits if limit is not None), default=None)
        return None if shortest is None else message.enqueued_at + shortest

    def _expire(self, message: Message) -> None:
        if self._settings.dead_letters_expired:
            self._bury(message, EXPIRED, "The message expired and was dead lettered.")
        else:
            self._drop(message)

    def _bury(self, message: Message, reason: str | None, description: str | None) -> None:
        assert self._dead_letters is not None  # noqa: S101  callers have looked
        self._drop(message)
        self._dead_letters.enqueue(
            replace(
                message,
                state=State.ACTIVE,
                is_locked=False,
                dead_letter=DeadLetter(self.path, reason, description),
            )
        )

    def _keep(self, message: Message) -> None:
        self._messages[message.sequence_number] = message
        self._journal.put(self.path, message)

    def _drop(self, message: Message) -> None:
        del self._messages[message.sequence_number]
        self._journal.remove(self.path, message.sequence_number)
