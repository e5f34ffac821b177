"""User code is held to its time, and its own errors and context pass through."""

import contextvars
import threading
import time

import pytest

from activities.batches.time_limits import BatchTimeoutError, ItemTimeoutError, TimeLimits
from fanout.models.request import Timeouts

MANY = 60.0
FEW = 0.01
asked_by: contextvars.ContextVar[str] = contextvars.ContextVar("asked_by", default="nobody")


def limits(item_seconds: float | None = None, batch_seconds: float | None = None) -> TimeLimits:
    return TimeLimits.of(Timeouts(item_seconds=item_seconds, batch_seconds=batch_seconds))


@pytest.mark.parametrize("seconds", [None, MANY])
def test_what_ends_in_time_gives_its_result_or_its_own_error(seconds: float | None):
    given = limits(seconds, seconds)
    for call in (given.call_item, given.call_batch):
        assert call(divmod, 7, 2) == (3, 1)
        with pytest.raises(ZeroDivisionError):
            call(divmod, 7, 0)


def test_what_takes_longer_is_left_to_itself():
    end = threading.Event()
    try:
        with pytest.raises(ItemTimeoutError, match=r"it took longer than 0\.01 seconds"):
            limits(item_seconds=FEW).call_item(end.wait)
        with pytest.raises(BatchTimeoutError, match=r"it took longer than 0\.01 seconds"):
            limits(batch_seconds=FEW).call_batch(end.wait)
    finally:
        end.set()


def test_code_that_is_timed_sees_the_context_of_its_caller():
    token = asked_by.set("a test")
    try:
        assert limits(item_seconds=MANY).call_item(asked_by.get) == "a test"
    finally:
        asked_by.reset(token)


def test_nothing_begins_once_the_batch_has_had_its_time():
    for any_time in (limits(), limits(batch_seconds=MANY)):
        any_time.insist_on_time_left()
        any_time.insist_on_time_left()
    over = limits(batch_seconds=0.001)
    over.insist_on_time_left()
    time.sleep(0.002)
    with pytest.raises(BatchTimeoutError, match=r"its batch had had its 0\.001 seconds"):
        over.insist_on_time_left()


def test_the_first_item_of_a_batch_begins_however_late_it_comes():
    late = limits(batch_seconds=0.001)
    time.sleep(0.002)
    late.insist_on_time_left()
