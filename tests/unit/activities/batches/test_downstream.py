"""When a batch takes its downstream to be down, and whose failures are excused then."""

import pytest

from activities.batches.downstream import Downstream, DownstreamDownError
from fanout.errors import PermanentError, TransientError

BUSY = TransientError("busy")


def after(*errors: Exception | None, name: str | None = "shop", most: int = 3) -> Downstream:
    """A downstream after items that ended so, 0 the first."""
    downstream = Downstream(name, most)
    for index, error in enumerate(errors):
        downstream.note(index, error)
    return downstream


def test_three_transient_failures_in_a_row_trip_and_are_excused():
    downstream = after(None, BUSY, BUSY, BUSY)
    assert downstream.has_tripped
    assert downstream.excused == {1, 2, 3}
    with pytest.raises(DownstreamDownError, match="the downstream 'shop' kept failing"):
        downstream.insist_on_up()


@pytest.mark.parametrize("answer", [None, PermanentError("no"), ZeroDivisionError()])
def test_an_answer_in_between_begins_the_count_anew(answer: Exception | None):
    downstream = after(BUSY, BUSY, answer, BUSY, BUSY)
    assert not downstream.has_tripped
    assert downstream.has_answered
    assert downstream.excused == frozenset()
    downstream.insist_on_up()


def test_what_failed_before_an_answer_is_not_excused_later():
    assert after(BUSY, None, BUSY, BUSY, BUSY).excused == {2, 3, 4}


def test_a_probe_trips_at_its_first_failure():
    assert after(BUSY, most=1).has_tripped


def test_a_downstream_that_only_failed_has_not_answered():
    assert not after(BUSY, BUSY, BUSY).has_answered


def test_a_workload_without_a_downstream_never_trips():
    downstream = after(*[BUSY] * 10, name=None)
    assert not downstream.has_tripped
    assert not downstream.has_answered
    assert downstream.excused == frozenset()
