"""Deadlines: they end what hangs, and nothing that does not."""

import socket
import threading
from concurrent.futures import Future, wait
from typing import Any

import pytest

from fanout import exchanges
from fanout.exchanges import Deadline, DeadlineError

pytestmark = pytest.mark.timeout(60)


def test_a_socket_that_waits_hears_that_the_connection_has_ended():
    ours, theirs = socket.socketpair()
    with ours, theirs, Deadline(0.05) as deadline:
        deadline.watch(ours)
        assert ours.recv(1) == b""
        assert deadline.has_passed
        with pytest.raises(DeadlineError, match=r"longer than 0\.05 s"):
            deadline.remaining()
        with pytest.raises(DeadlineError):
            deadline.watch(ours)


def test_after_its_exchange_a_deadline_ends_nothing():
    ours, theirs = socket.socketpair()
    with ours, theirs:
        with Deadline(0.05) as early:
            early.watch(ours)
        other, end = socket.socketpair()
        with other, end, Deadline(0.1) as late:  # it passes after the first has
            late.watch(other)
            other.recv(1)
        theirs.sendall(b"a")
        assert ours.recv(1) == b"a"


def test_a_deadline_that_is_set_later_and_ends_sooner_is_kept_first():
    with Deadline(3600), Deadline(0.05) as deadline:
        ours, theirs = socket.socketpair()
        with ours, theirs:
            deadline.watch(ours)
            assert ours.recv(1) == b""


def test_a_call_gives_what_it_gives_and_raises_what_it_raises():
    assert Deadline(60).call(lambda: 7) == 7

    def fail() -> None:
        raise TimeoutError("its own")

    with pytest.raises(TimeoutError, match="its own"):
        Deadline(60).call(fail)


def test_calls_that_hang_are_left_and_are_bounded_in_number(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(exchanges, "_hanging", threading.BoundedSemaphore(2))
    release, begun = threading.Event(), []

    def hang() -> None:
        begun.append(1)
        release.wait(60)

    for _ in range(4):
        with pytest.raises(DeadlineError):
            Deadline(0.05).call(hang)
    assert len(begun) == 2
    release.set()
    assert Deadline(30).call(lambda: 7) == 7


def test_an_answer_at_the_last_moment_is_one(monkeypatch: pytest.MonkeyPatch):
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

    monkeypatch.setattr(exchanges, "Future", Late)
    assert Deadline(0.05).call(lambda: ended.wait(60)) is True


def test_where_no_thread_can_begin_no_place_is_kept(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(exchanges, "_hanging", threading.BoundedSemaphore(1))

    def refuse(_: threading.Thread) -> None:
        raise RuntimeError("can't start new thread")

    with monkeypatch.context() as full:
        full.setattr(threading.Thread, "start", refuse)
        with pytest.raises(RuntimeError, match="new thread"):
            Deadline(60).call(lambda: 1)
    assert Deadline(1).call(lambda: 2) == 2
