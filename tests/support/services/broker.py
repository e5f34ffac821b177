"""A clock that a test moves, and a journal that it can read."""

from localhost.stack.broker.message import Message


class Clock:
    """Stands still until it is told."""

    def __init__(self, now: float = 1_000_000.0) -> None:
        self.now = now

    def __call__(self) -> float:
        return self.now

    def pass_by(self, seconds: float) -> None:
        self.now += seconds


class MemoryJournal:
    """Holds what the broker's file would."""

    def __init__(self) -> None:
        self._messages: dict[tuple[str, int], Message] = {}
        self.numbers: dict[str, int] = {}
        self.known: dict[tuple[str, str], tuple[int, float]] = {}

    def put(self, queue: str, message: Message) -> None:
        self._messages[queue, message.sequence_number] = message

    def remove(self, queue: str, sequence_number: int) -> None:
        del self._messages[queue, sequence_number]

    def count(self, entity: str, last_sequence_number: int) -> None:
        self.numbers[entity] = last_sequence_number

    def remember(self, entity: str, message_id: str, sequence_number: int, until: float) -> None:
        self.known[entity, message_id] = (sequence_number, until)

    def forget(self, entity: str, message_id: str) -> None:
        del self.known[entity, message_id]

    def keep_state(self, queue: str, session_id: str, state: bytes | None) -> None:
        """A test that wants states asks the queue."""

    def messages(self) -> list[tuple[str, Message]]:
        return [(queue, message) for (queue, _), message in self._messages.items()]
