"""How messages enter a queue or a topic: sequence numbers, duplicate detection and the schedule.

A message is numbered when it is accepted, and again when it leaves the schedule, as Service Bus
does. Nothing here runs by itself: `advance` does what is due, and `next_due` says when to call it.
"""

import heapq
from collections import deque
from collections.abc import Callable, Iterable
from dataclasses import replace

from localhost.stack.broker.message import (
    Clock,
    Draft,
    Journal,
    Message,
    MessageNotFoundError,
    NotAllowedError,
    State,
)
from localhost.stack.broker.settings import IngressSettings


class Ingress:
    """The way into one entity.

    Args:
        path: The entity, as the journal knows it.
        settings: How it was declared.
        clock: Says what time it is.
        journal: Is told of every change.
        deliver: Is given each message when it is enqueued.
    """

    def __init__(
        self,
        path: str,
        settings: IngressSettings,
        clock: Clock,
        journal: Journal,
        deliver: Callable[[Message], None],
    ) -> None:
        self._path = path
        self._settings = settings
        self._clock = clock
        self._journal = journal
        self._deliver = deliver
        self._last_number = 0
        self._scheduled: dict[int, Message] = {}
        self._schedule: list[tuple[float, int]] = []
        self._known: dict[str, int] = {}
        self._known_until: deque[tuple[float, str]] = deque()

    def check(self, drafts: Iterable[Draft]) -> None:
        """Refuse all of these messages if one of them cannot be sent.

        Raises:
            NotAllowedError: One has no session id, and the entity requires one.
        """
        if self._settings.requires_session and any(draft.session_id is None for draft in drafts):
            raise NotAllowedError(
                f"The SessionId was not set on a message, and it cannot be sent to {self._path!r}. "
                "Entities that have session support enabled can only receive messages that have "
                "the SessionId set to a valid value."
            )

    def send(self, draft: Draft) -> int:
        """Accept a message; return its sequence number, or that of the one it duplicates."""
        now = self._clock()
        self._forget_until(now)
        original = self._known.get(draft.message_id) if draft.message_id is not None else None
        if original is not None:
            return original
        message = Message(
            self._next_number(),
            draft.content,
            enqueued_at=now,
            message_id=draft.message_id,
            time_to_live_seconds=self._time_to_live(draft),
            scheduled_at=draft.scheduled_at,
        )
        self._remember(message, now)
        if draft.scheduled_at is not None and draft.scheduled_at > now:
            self._hold(replace(message, state=State.SCHEDULED))
        else:
            self._deliver(message)
        return message.sequence_number

    def cancel(self, sequence_numbers: Iterable[int]) -> None:
        """Drop scheduled messages, all or none.

        Raises:
            MessageNotFoundError: One of them is not scheduled.
        """
        self.advance()
        numbers = set(sequence_numbers)
        missing = sorted(numbers - self._scheduled.keys())
        if missing:
            raise MessageNotFoundError(f"No message is scheduled in {self._path!r} as {missing}.")
        for number in numbers:
            del self._scheduled[number]
            self._journal.remove(self._path, number)

    def scheduled_messages(self) -> list[Message]:
        """The messages on the schedule, in the order of their numbers."""
        self.advance()
        return [self._scheduled[number] for number in sorted(self._scheduled)]

    def advance(self) -> None:
        """Enqueue what is due."""
        now = self._clock()
        while self._schedule and self._schedule[0][0] <= now:
            _, number = heapq.heappop(self._schedule)
            message = self._scheduled.pop(number, None)
            if message is None:
                continue  # it was cancelled
            self._journal.remove(self._path, number)
            self._deliver(
                replace(
                    message,
                    sequence_number=self._next_number(),
                    enqueued_at=now,
                    state=State.ACTIVE,
                )
            )

    def next_due(self) -> float | None:
        """When `advance` has something to do; None: never, as things are."""
        while self._schedule and self._schedule[0][1] not in self._scheduled:
            heapq.heappop(self._schedule)
        return self._schedule[0][0] if self._schedule else None

    def restore(self, message: Message) -> None:
        """Take back a scheduled message that the journal had."""
        self._scheduled[message.sequence_number] = message
        heapq.heappush(self._schedule, (message.scheduled_at or 0.0, message.sequence_number))

    def restore_number(self, last_number: int) -> None:
        """Go on from the number that the journal had."""
        self._last_number = max(self._last_number, last_number)

    def restore_known(self, message_id: str, number: int, until: float) -> None:
        """Take back a message id that the journal remembered; in the order of `until`."""
        self._known[message_id] = number
        self._known_until.append((until, message_id))

    def _hold(self, message: Message) -> None:
        self.restore(message)
        self._journal.put(self._path, message)

    def _next_number(self) -> int:
        self._last_number += 1
        self._journal.count(self._path, self._last_number)
        return self._last_number

    def _time_to_live(self, draft: Draft) -> float | None:
        limits = (draft.time_to_live_seconds, self._settings.time_to_live_seconds)
        return min((limit for limit in limits if limit is not None), default=None)

    def _remember(self, message: Message, now: float) -> None:
        window = self._settings.duplicate_window_seconds
        if window is None or message.message_id is None:
            return
        until = now + window
        self.restore_known(message.message_id, message.sequence_number, until)
        self._journal.remember(self._path, message.message_id, message.sequence_number, until)

    def _forget_until(self, now: float) -> None:
        while self._known_until and self._known_until[0][0] <= now:
            _, message_id = self._known_until.popleft()
            del self._known[message_id]
            self._journal.forget(self._path, message_id)
