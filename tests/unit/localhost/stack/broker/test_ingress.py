"""How messages enter: numbers, duplicates, the schedule."""

import pytest

from localhost.stack.broker.ingress import Ingress
from localhost.stack.broker.message import Draft, Message, MessageNotFoundError, State
from localhost.stack.broker.settings import IngressSettings
from tests.support.services.broker import Clock, MemoryJournal

WINDOW_SECONDS = 60.0


class Bench:
    def __init__(self, settings: IngressSettings | None = None) -> None:
        self.clock = Clock()
        self.journal = MemoryJournal()
        self.delivered: list[Message] = []
        settings = settings or IngressSettings(duplicate_window_seconds=WINDOW_SECONDS)
        self.ingress = Ingress("q", settings, self.clock, self.journal, self.delivered.append)

    def bodies(self) -> list[bytes]:
        return [message.content for message in self.delivered]


def test_numbers_rise_from_one_and_are_journalled() -> None:
    bench = Bench()
    assert [bench.ingress.send(Draft(b"x")) for _ in range(3)] == [1, 2, 3]
    assert bench.journal.numbers == {"q": 3}


def test_a_duplicate_within_the_window_is_dropped_and_has_the_first_ones_number() -> None:
    bench = Bench()
    first = bench.ingress.send(Draft(b"a", message_id="1"))
    bench.clock.pass_by(WINDOW_SECONDS - 1)
    assert bench.ingress.send(Draft(b"b", message_id="1")) == first
    assert bench.bodies() == [b"a"]


def test_an_id_is_free_when_the_window_has_passed() -> None:
    bench = Bench()
    bench.ingress.send(Draft(b"a", message_id="1"))
    bench.clock.pass_by(WINDOW_SECONDS)
    bench.ingress.send(Draft(b"b", message_id="1"))
    assert bench.bodies() == [b"a", b"b"]
    assert list(bench.journal.known) == [("q", "1")]


def test_messages_without_an_id_are_never_duplicates() -> None:
    bench = Bench()
    for _ in range(2):
        bench.ingress.send(Draft(b"a"))
    assert len(bench.delivered) == 2


def test_a_scheduled_message_is_numbered_anew_when_it_is_enqueued() -> None:
    bench = Bench()
    due = bench.clock() + 10
    scheduled = bench.ingress.send(Draft(b"a", scheduled_at=due))
    bench.ingress.send(Draft(b"b"))
    assert bench.ingress.next_due() == due
    bench.clock.pass_by(10)
    bench.ingress.advance()
    assert bench.bodies() == [b"b", b"a"]
    late = bench.delivered[1]
    assert (late.sequence_number, late.enqueued_at, late.state) == (3, due, State.ACTIVE)
    assert scheduled == 1
    assert bench.ingress.next_due() is None
    assert bench.journal.messages() == []


def test_a_message_scheduled_for_the_past_is_enqueued_at_once() -> None:
    bench = Bench()
    bench.ingress.send(Draft(b"a", scheduled_at=bench.clock() - 1))
    assert bench.bodies() == [b"a"]


def test_cancelling_is_all_or_nothing() -> None:
    bench = Bench()
    numbers = [bench.ingress.send(Draft(b"a", scheduled_at=bench.clock() + 10)) for _ in range(2)]
    with pytest.raises(MessageNotFoundError, match="99"):
        bench.ingress.cancel([numbers[0], 99])
    assert len(bench.ingress.scheduled_messages()) == 2
    bench.ingress.cancel(numbers)
    bench.clock.pass_by(20)
    bench.ingress.advance()
    assert bench.delivered == []


def test_the_shorter_time_to_live_holds() -> None:
    bench = Bench(IngressSettings(time_to_live_seconds=30.0))
    for own in (None, 5.0, 90.0):
        bench.ingress.send(Draft(b"a", time_to_live_seconds=own))
    assert [m.time_to_live_seconds for m in bench.delivered] == [30.0, 5.0, 30.0]
