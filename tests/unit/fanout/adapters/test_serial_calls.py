"""Calls one after the other: who waits is told in time, whatever hangs."""

import threading
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor, wait
from functools import partial
from typing import Any

import pytest

from fanout.adapters import serial_calls
from fanout.adapters.serial_calls import HungCallError, NoTurnError, SerialCalls

pytestmark = pytest.mark.timeout(60)


Call = Callable[[Callable[[], Any], float], Any]


@pytest.fixture
def calls() -> Iterator[SerialCalls]:
    calls = SerialCalls("test")
    yield calls
    calls.end(lambda: None)


@pytest.fixture
def call(calls: SerialCalls) -> Call:
    return lambda function, seconds: calls.call(function, seconds, 60)


def test_calls_are_made_in_order_by_one_thread(call: Call):
    threads = {call(threading.get_ident, 30) for _ in range(5)}
    assert len(threads) == 1
    assert threads.isdisjoint({threading.get_ident()})


def test_a_call_raises_what_it_raises(call: Call):
    def fail() -> None:
        raise TimeoutError("its own")

    with pytest.raises(TimeoutError, match="its own"):
        call(fail, 30)
    assert call(lambda: 7, 30) == 7


def test_who_waits_behind_a_call_that_hangs_is_told_and_nothing_of_it_is_done(
    calls: SerialCalls, call: Call
):
    release, done = threading.Event(), list[str]()
    with pytest.raises(HungCallError, match=r"no answer within 0\.05 s"):
        call(lambda: release.wait(60), 0.05)
    with ThreadPoolExecutor(5) as pool:
        others = [pool.submit(call, lambda: done.append("done"), 30) for _ in range(5)]
        while calls._waiting.qsize() < len(others):
            assert not wait(others, 0.01).done
        calls.end(lambda: done.append("last"))
        for other in others:
            with pytest.raises(HungCallError, match="before it hangs"):
                other.result(30)
    assert calls.is_alive
    release.set()
    calls._thread.join(30)
    assert done == ["last"] and not calls.is_alive


def test_to_wait_for_a_turn_is_not_to_hang(call: Call):
    begun, release = threading.Event(), threading.Event()
    with ThreadPoolExecutor(6) as pool:
        slow = pool.submit(call, lambda: begun.set() or release.wait(60), 60)
        assert begun.wait(30)
        others = [pool.submit(call, threading.get_ident, 0.5) for _ in range(5)]
        assert not wait(others, 1.0).done
        release.set()
        assert slow.result(30) is True
        assert len({other.result(30) for other in others}) == 1


def test_a_turn_that_does_not_come_in_time_is_given_up_and_harms_no_other(
    calls: SerialCalls, call: Call
):
    begun, release, done = threading.Event(), threading.Event(), list[str]()
    with ThreadPoolExecutor(2) as pool:
        slow = pool.submit(call, lambda: begun.set() or release.wait(60), 60)
        assert begun.wait(30)
        with pytest.raises(NoTurnError, match=r"no turn within 0\.05 s"):
            calls.call(lambda: done.append("done"), 30, 0.05)
        other = pool.submit(call, lambda: 7, 30)
        release.set()
        assert (slow.result(30), other.result(30), done) == (True, 7, [])


def test_an_answer_at_the_last_moment_is_one(call: Call, monkeypatch: pytest.MonkeyPatch):
    ended = threading.Event()

    class Late(Future[Any]):
        """The answer comes between the end of the wait for it, and the next look at it."""

        def result(self, timeout: float | None = None) -> Any:
            try:
                return super().result(timeout)
            except TimeoutError:
                ended.set()
                wait([self], 30)
                raise

    monkeypatch.setattr(serial_calls, "Future", Late)
    assert call(lambda: ended.wait(60), 0.05) is True


def test_after_its_end_the_thread_ends_and_no_call_is_waited_for(calls: SerialCalls, call: Call):
    done = list[str]()
    for last in ("last", "another"):
        calls.end(partial(done.append, last))
    calls._thread.join(30)
    assert not calls.is_alive and done == ["last"]
    with pytest.raises(HungCallError, match="after the last"):
        call(lambda: done.append("done"), 60)
    assert done == ["last"]


def test_what_the_last_call_raises_ends_the_thread_all_the_same(calls: SerialCalls):
    calls.end(lambda: 1 // 0)
    calls._thread.join(30)
    assert not calls.is_alive
