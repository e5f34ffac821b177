"""What a queue does with messages, whatever comes in whatever order, on a clock of its own."""

from uuid import UUID

import pytest
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from localhost.stack.broker.message import (
    EXPIRED,
    MAX_DELIVERY_COUNT_EXCEEDED,
    Draft,
    LockLostError,
    Message,
    MessageNotFoundError,
    NotAllowedError,
    State,
)
from localhost.stack.broker.message_queue import Lock, MessageQueue
from localhost.stack.broker.settings import QueueSettings
from tests.support.services.broker import Clock, MemoryJournal

LOCK_SECONDS = 10.0
MOST = 3


class Bench:
    """A queue with its dead letters, its clock and its journal."""

    def __init__(self, **declared: object) -> None:
        self.clock = Clock()
        self.journal = MemoryJournal()
        settings = QueueSettings(
            **{"lock_seconds": LOCK_SECONDS, "max_delivery_count": MOST, **declared}  # type: ignore[arg-type]
        )
        self.dead = MessageQueue("q/dead", settings, self.clock, self.journal)
        self.queue = MessageQueue("q", settings, self.clock, self.journal, dead_letters=self.dead)

    def put(self, number: int, ttl: float | None = None) -> None:
        self.queue.enqueue(Message(number, b"%d" % number, self.clock(), time_to_live_seconds=ttl))

    def take(self) -> Lock:
        lock = self.queue.receive()
        assert lock is not None
        return lock


def _numbers(queue: MessageQueue) -> list[int]:
    return [message.sequence_number for message in queue.browse()]


def test_messages_come_in_the_order_of_their_numbers() -> None:
    bench = Bench()
    for number in (1, 2, 3):
        bench.put(number)
    assert [bench.take().message.sequence_number for _ in range(3)] == [1, 2, 3]
    assert bench.queue.receive() is None


def test_a_lock_ends_when_it_says() -> None:
    bench = Bench()
    bench.put(1)
    lock = bench.take()
    assert bench.queue.next_due() == lock.locked_until == bench.clock() + LOCK_SECONDS
    bench.clock.pass_by(LOCK_SECONDS - 0.001)
    assert bench.queue.receive() is None
    bench.clock.pass_by(0.001)
    with pytest.raises(LockLostError):
        bench.queue.complete(lock.token)
    assert bench.take().message.delivery_count == 1


def test_renewing_several_locks_is_all_or_nothing() -> None:
    bench = Bench()
    bench.put(1)
    lock = bench.take()
    with pytest.raises(LockLostError):
        bench.queue.renew([lock.token, UUID(int=0)])
    bench.clock.pass_by(6)
    assert bench.queue.renew([lock.token]) == [bench.clock() + LOCK_SECONDS]
    bench.clock.pass_by(6)
    bench.queue.complete(lock.token)
    assert _numbers(bench.queue) == []


def test_a_released_message_is_not_counted() -> None:
    bench = Bench()
    bench.put(1)
    for _ in range(MOST + 1):
        bench.queue.release(bench.take().token)
    assert bench.take().message.delivery_count == 0


def test_a_spent_message_is_dead_lettered_with_its_reason() -> None:
    bench = Bench()
    bench.put(1)
    for _ in range(MOST):
        bench.queue.abandon(bench.take().token)
    assert _numbers(bench.queue) == []
    [dead] = bench.dead.browse()
    assert dead.dead_letter is not None
    assert (dead.dead_letter.reason, dead.dead_letter.source) == (MAX_DELIVERY_COUNT_EXCEEDED, "q")


def test_a_dead_letter_cannot_be_dead_lettered() -> None:
    bench = Bench()
    bench.put(1)
    bench.queue.dead_letter(bench.take().token, "r", None)
    lock = bench.dead.receive()
    assert lock is not None
    with pytest.raises(NotAllowedError):
        bench.dead.dead_letter(lock.token, "r", None)
    bench.dead.complete(lock.token)


def test_a_message_does_not_expire_in_the_hands_of_its_receiver() -> None:
    bench = Bench()
    bench.put(1, ttl=1)
    lock = bench.take()
    bench.clock.pass_by(5)
    bench.queue.complete(lock.token)
    bench.put(2, ttl=1)
    lock = bench.take()
    bench.clock.pass_by(5)
    bench.queue.abandon(lock.token)
    assert _numbers(bench.queue) == []


def test_a_deferred_message_expires_too() -> None:
    bench = Bench(dead_letters_expired=True, time_to_live_seconds=3.0)
    bench.put(1, ttl=60)
    bench.queue.defer(bench.take().token)
    bench.clock.pass_by(3)
    bench.queue.advance()
    [dead] = bench.dead.browse()
    assert dead.dead_letter is not None and dead.dead_letter.reason == EXPIRED
    assert dead.state is State.ACTIVE


def test_deferred_messages_are_found_all_or_none() -> None:
    bench = Bench()
    for number in (1, 2):
        bench.put(number)
        bench.queue.defer(bench.take().token)
    with pytest.raises(MessageNotFoundError):
        bench.queue.receive_deferred([1, 3])
    assert len(bench.queue.receive_deferred([1, 2])) == 2
    with pytest.raises(MessageNotFoundError):
        bench.queue.receive_and_delete_deferred([1])


def test_a_draft_says_nothing_it_was_not_told() -> None:
    assert Draft(b"x") == Draft(b"x", None, None, None)


class AnyOrder(RuleBasedStateMachine):
    """Every message is in one place, and comes again only after it was given back."""

    def __init__(self) -> None:
        super().__init__()
        self.bench = Bench(dead_letters_expired=True)
        self.sent = 0
        self.gone: set[int] = set()
        self.held: dict[int, Lock] = {}
        self.stale: list[Lock] = []

    def _lapse(self) -> None:
        now = self.bench.clock()
        for number, lock in list(self.held.items()):
            if lock.locked_until <= now:
                self.stale.append(self.held.pop(number))

    @rule(ttl=st.sampled_from([None, 5.0, 25.0]))
    def send(self, ttl: float | None) -> None:
        self.sent += 1
        self.bench.put(self.sent, ttl)

    @rule()
    def receive(self) -> None:
        lock = self.bench.queue.receive()
        if lock is not None:
            number = lock.message.sequence_number
            assert number not in self.held, "delivered twice"
            assert number not in self.gone, "delivered after it was completed"
            self.held[number] = lock

    @rule()
    def receive_and_delete(self) -> None:
        message = self.bench.queue.receive_and_delete()
        if message is not None:
            assert message.sequence_number not in self.held | dict.fromkeys(self.gone)
            self.gone.add(message.sequence_number)

    @rule(data=st.data(), how=st.sampled_from(["complete", "abandon", "release", "defer"]))
    def settle(self, data: st.DataObject, how: str) -> None:
        if self.held:
            number = data.draw(st.sampled_from(sorted(self.held)))
            getattr(self.bench.queue, how)(self.held.pop(number).token)
            if how == "complete":
                self.gone.add(number)

    @rule(data=st.data())
    def dead_letter(self, data: st.DataObject) -> None:
        if self.held:
            number = data.draw(st.sampled_from(sorted(self.held)))
            self.bench.queue.dead_letter(self.held.pop(number).token, "r", "d")

    @rule(data=st.data())
    def renew(self, data: st.DataObject) -> None:
        if self.held:
            number = data.draw(st.sampled_from(sorted(self.held)))
            lock = self.held[number]
            [until] = self.bench.queue.renew([lock.token])
            self.held[number] = Lock(lock.token, lock.message, until)

    @rule(data=st.data())
    def receive_deferred(self, data: st.DataObject) -> None:
        deferred = [
            m.sequence_number
            for m in self.bench.queue.browse()
            if m.state is State.DEFERRED and m.sequence_number not in self.held
        ]
        if deferred:
            number = data.draw(st.sampled_from(deferred))
            [self.held[number]] = self.bench.queue.receive_deferred([number])

    @rule(data=st.data())
    def settle_late(self, data: st.DataObject) -> None:
        if self.stale:
            lock = data.draw(st.sampled_from(self.stale))
            with pytest.raises(LockLostError):
                self.bench.queue.complete(lock.token)

    @rule(seconds=st.sampled_from([1.0, 4.0, 11.0]))
    def wait(self, seconds: float) -> None:
        self.bench.clock.pass_by(seconds)
        self._lapse()
        self.bench.queue.advance()

    @rule()
    def restart(self) -> None:
        """A crash: only the journal is left, and every lock is lost."""
        old = self.bench
        self.bench = Bench(dead_letters_expired=True)
        self.bench.clock.now = old.clock.now
        for path, message in old.journal.messages():
            target = self.bench.dead if path == "q/dead" else self.bench.queue
            self.bench.journal.put(path, message)
            target.restore(message)
        self.stale = []
        self.held = {}

    @invariant()
    def every_message_is_in_one_place(self) -> None:
        here = _numbers(self.bench.queue)
        dead = _numbers(self.bench.dead)
        places = sorted([*here, *dead, *self.gone])
        assert places == list(range(1, self.sent + 1))
        assert set(self.held) <= set(here)

    @invariant()
    def the_journal_has_what_the_queue_has(self) -> None:
        here = [("q", m) for m in self.bench.queue.browse()]
        dead = [("q/dead", m) for m in self.bench.dead.browse()]
        assert sorted(self.bench.journal.messages(), key=repr) == sorted(here + dead, key=repr)


TestAnyOrder = AnyOrder.TestCase
TestAnyOrder.settings = hypothesis_settings(max_examples=60, stateful_step_count=40, deadline=None)
