"""What a queue of sessions does, on a clock of its own."""

import pytest

from localhost.stack.broker.message import Message
from localhost.stack.broker.message_queue import MessageQueue
from localhost.stack.broker.session_queue import (
    NO_SESSION,
    SessionLock,
    SessionLostError,
    SessionQueue,
    SessionTakenError,
)
from localhost.stack.broker.settings import QueueSettings
from tests.support.services.broker import Clock, MemoryJournal

LOCK_SECONDS = 10.0


def _session_of(content: bytes) -> str | None:
    return content.decode()[:1] or None


class Bench:
    """A queue of sessions; a message's session is the first letter of its content."""

    def __init__(self) -> None:
        self.clock = Clock()
        self.journal = MemoryJournal()
        settings = QueueSettings(lock_seconds=LOCK_SECONDS, max_delivery_count=3)
        self.dead = MessageQueue("q/dead", settings, self.clock, self.journal)
        self.queue = SessionQueue(
            "q",
            settings,
            self.clock,
            self.journal,
            dead_letters=self.dead,
            session_of=_session_of,
        )

    def put(self, *contents: str) -> None:
        for content in contents:
            number = len(self.queue.browse()) + len(self.dead.browse()) + 1
            self.queue.enqueue(Message(number, content.encode(), self.clock()))

    def accept(self, session_id: str | None = None) -> SessionLock:
        lock = self.queue.accept(session_id)
        assert lock is not None
        return lock

    def take(self, session: SessionLock) -> Message | None:
        lock = self.queue.receive_in(session)
        return None if lock is None else lock.message


def test_the_next_session_is_that_of_the_oldest_message_that_nobody_holds():
    bench = Bench()
    bench.put("b1", "a1", "b2")
    assert bench.accept().session_id == "b"
    assert bench.accept().session_id == "a"
    assert bench.queue.accept(None) is None
    with pytest.raises(SessionTakenError):
        bench.queue.accept("a")


def test_a_closed_session_gives_back_what_it_held_in_its_place():
    bench = Bench()
    bench.put("a1", "a2", "a3")
    for is_counted in (False, True):
        session = bench.accept("a")
        assert bench.take(session) and bench.take(session)
        bench.queue.close_session(session, is_counted=is_counted)
        assert bench.queue.receive_in(session) is None
    session = bench.accept()
    messages = [bench.take(session) for _ in range(3)]
    assert [(m.content, m.delivery_count) for m in messages if m is not None] == [
        (b"a1", 1),
        (b"a2", 1),
        (b"a3", 0),
    ]


def test_a_session_that_is_not_renewed_is_lost_with_its_messages():
    bench = Bench()
    bench.put("a1")
    session = bench.accept()
    assert bench.take(session)
    bench.clock.pass_by(LOCK_SECONDS - 1)
    assert bench.queue.renew_session("a") == bench.clock() + LOCK_SECONDS
    bench.clock.pass_by(LOCK_SECONDS - 1)
    assert bench.queue.is_held(session)
    assert bench.queue.next_due() == bench.clock() + 1
    bench.clock.pass_by(1)
    assert not bench.queue.is_held(session)
    with pytest.raises(SessionLostError):
        bench.queue.renew_session("a")
    (message,) = bench.queue.browse()
    assert (message.is_locked, message.delivery_count) == (False, 1)
    assert bench.queue.accept(None) is not None


def test_deferred_messages_are_for_who_holds_their_sessions_and_are_locked_all_or_none():
    bench = Bench()
    bench.put("a1", "b1")
    for _ in range(2):
        lock = bench.queue.receive_in(bench.accept())
        assert lock is not None
        bench.queue.defer(lock.token)
    bench.clock.pass_by(LOCK_SECONDS)
    with pytest.raises(SessionLostError):
        bench.queue.receive_deferred([1])
    with pytest.raises(SessionLostError):
        bench.queue.receive_and_delete_deferred([1])
    session = bench.accept("a")
    with pytest.raises(SessionLostError):
        bench.queue.receive_deferred([1, 2])
    assert not any(message.is_locked for message in bench.queue.browse())
    (lock,) = bench.queue.receive_deferred([1])
    assert lock.message.content == b"a1" and lock.token in session.tokens
    bench.queue.complete(lock.token)
    assert [message.content for message in bench.queue.browse()] == [b"b1"]


def test_a_restored_session_goes_on_with_its_messages():
    bench = Bench()
    bench.put("a1", "a2")
    assert bench.take(bench.accept())
    again = Bench()
    for _, message in bench.journal.messages():
        again.queue.restore(message)
    message = again.take(again.accept())
    assert message is not None and (message.content, message.delivery_count) == (b"a1", 1)


def test_a_message_without_a_session_is_dead_lettered():
    bench = Bench()
    bench.put("")
    assert bench.queue.browse() == []
    (message,) = bench.dead.browse()
    assert message.dead_letter is not None and message.dead_letter.reason == NO_SESSION


def test_a_session_without_messages_can_be_held_and_gets_those_that_come():
    bench = Bench()
    session = bench.accept("a")
    assert bench.take(session) is None
    bench.put("b1", "a1")
    message = bench.take(session)
    assert message is not None and message.content == b"a1"
    assert bench.queue.browse_session("b")[0].content == b"b1"
