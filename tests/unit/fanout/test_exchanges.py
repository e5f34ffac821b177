"""Deadlines: they end what hangs, and nothing that does not."""

import socket
import threading

import pytest

from fanout import exchanges
from fanout.exchanges import Deadline, DeadlineError
from tests.support.doubles.late_answer import LateAnswer

pytestmark = pytest.mark.timeout(60)

# Long enough for a busy machine to begin what a deadline of this is to end.
SOON = 2.0


def test_a_socket_that_waits_hears_that_the_connection_has_ended():
    ours, theirs = socket.socketpair()
    with ours, theirs, Deadline(SOON) as deadline:
        deadline.watch(ours)
        assert ours.recv(1) == b""
        assert deadline.has_passed
        with pytest.raises(DeadlineError, match="longer than 2 s"):
            deadline.remaining()
        with pytest.raises(DeadlineError):
            deadline.watch(ours)


def test_after_its_exchange_a_deadline_ends_nothing():
    ours, theirs = socket.socketpair()
    with ours, theirs:
        with Deadline(SOON) as early:
            early.watch(ours)
        other, end = socket.socketpair()
        with other, end, Deadline(SOON + 0.1) as late:  # it passes after the first has
            late.watch(other)
            other.recv(1)
        theirs.sendall(b"a")
        assert ours.recv(1) == b"a"


def test_a_deadline_that_is_set_later_and_ends_sooner_is_kept_first():
    with Deadline(3600), Deadline(SOON) as deadline:
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


def test_a_call_that_ends_just_when_its_time_is_over_gives_what_it_gives(
    monkeypatch: pytest.MonkeyPatch,
):
    monkeypatch.setattr(exchanges, "Future", LateAnswer)
    assert Deadline(60).call(lambda: 7) == 7


def test_calls_that_hang_are_left_and_are_bounded_in_number(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(exchanges, "_hanging", threading.BoundedSemaphore(2))
    release, begun = threading.Event(), []

    def hang() -> None:
        begun.append(1)
        release.wait(60)

    for _ in range(3):
        with pytest.raises(DeadlineError):
            Deadline(SOON).call(hang)
    assert len(begun) == 2
    release.set()
    assert Deadline(30).call(lambda: 7) == 7


def test_a_call_for_which_there_is_no_thread_keeps_no_place(monkeypatch: pytest.MonkeyPatch):
    def refuse(_: threading.Thread) -> None:
        raise RuntimeError("can't start new thread")

    monkeypatch.setattr(exchanges, "_hanging", threading.BoundedSemaphore(1))
    with monkeypatch.context() as patch:
        patch.setattr(threading.Thread, "start", refuse)
        with pytest.raises(RuntimeError, match="new thread"):
            Deadline(60).call(lambda: 7)
    assert Deadline(30).call(lambda: 7) == 7
