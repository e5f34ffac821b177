"""Calls one after the other: who waits is told in time, whatever hangs."""

import threading
from collections.abc import Iterator

import pytest

from fanout.adapters import serial_calls
from fanout.adapters.serial_calls import HungCallError, SerialCalls
from tests.support.doubles.late_answer import LateAnswer

pytestmark = pytest.mark.timeout(60)


@pytest.fixture
def calls() -> Iterator[SerialCalls]:
    calls = SerialCalls("test")
    yield calls
    calls.end()


def test_calls_are_made_in_order_by_one_thread(calls: SerialCalls):
    threads = {calls.call(threading.get_ident, 30) for _ in range(5)}
    assert len(threads) == 1
    assert threads.isdisjoint({threading.get_ident()})


def test_a_call_raises_what_it_raises(calls: SerialCalls):
    def fail() -> None:
        raise TimeoutError("its own")

    with pytest.raises(TimeoutError, match="its own"):
        calls.call(fail, 30)
    assert calls.call(lambda: 7, 30) == 7


def test_a_call_that_ends_just_when_its_time_is_over_gives_what_it_gives(
    calls: SerialCalls, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(serial_calls, "Future", LateAnswer)
    assert calls.call(lambda: 7, 30) == 7


def test_who_waits_behind_a_call_that_hangs_is_told_and_nothing_of_it_is_done(calls: SerialCalls):
    release, done = threading.Event(), []
    with pytest.raises(HungCallError, match=r"no answer within 0\.05 s"):
        calls.call(lambda: release.wait(60), 0.05)
    waiting = threading.Thread(target=_insist_on_hang, args=(calls, done))
    waiting.start()
    calls.end()
    waiting.join()
    assert calls.is_alive
    release.set()
    assert done == ["told"]


def test_after_its_end_the_thread_ends():
    calls = SerialCalls("test")
    calls.end()
    calls._thread.join(30)
    assert not calls.is_alive


def _insist_on_hang(calls: SerialCalls, done: list[str]) -> None:
    with pytest.raises(HungCallError):
        calls.call(lambda: done.append("done"), 5)
    done.append("told")
