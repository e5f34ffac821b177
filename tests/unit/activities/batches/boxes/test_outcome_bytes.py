"""The outcomes of a batch have a length that they do not pass."""

from collections.abc import Callable
from dataclasses import replace

import pytest

from activities.batches.batch import Batch
from activities.batches.boxes.outcome_bytes import OutcomeBytes, OutputTooLargeError
from fanout.records import Chunk


def batch(given_back: list[int]) -> Batch:
    return Batch(
        "r",
        max_tries=1,
        chunk=Chunk("inline", b"[1]", None, 0, 1, 1),
        parameters=None,
        max_outcome_bytes=100,
        give_back=lambda: given_back.append(1),
    )


def test_what_has_no_room_is_refused_and_what_has_is_not():
    outcomes = OutcomeBytes(batch([]))
    outcomes.take(b"x" * 60)
    with pytest.raises(OutputTooLargeError, match="over 100"):
        outcomes.take_output(b"x" * 41)
    assert outcomes.take_output(b"x" * 40) == b"x" * 40
    with pytest.raises(OutputTooLargeError, match="over 100"):
        outcomes.take_output(b"x")


def test_the_first_output_is_refused_too():
    with pytest.raises(OutputTooLargeError, match="over 100"):
        OutcomeBytes(batch([])).take_output(b"x" * 101)


@pytest.mark.parametrize("method", [OutcomeBytes.take, OutcomeBytes.take_output])
def test_the_rest_is_given_back_once_when_half_of_the_room_is_taken(
    method: Callable[[OutcomeBytes, bytes], bytes],
):
    given_back: list[int] = []
    outcomes = OutcomeBytes(batch(given_back))
    for size, times in ((50, 0), (1, 1), (10, 1)):
        assert method(outcomes, b"x" * size) == b"x" * size
        assert len(given_back) == times


def test_a_batch_goes_on_where_its_rest_cannot_be_given_back():
    def fail() -> None:
        raise OSError("storage is away")

    outcomes = OutcomeBytes(replace(batch([]), give_back=fail))
    assert outcomes.take_output(b"x" * 60) == b"x" * 60


def test_long_outcomes_want_a_claim_once_and_short_ones_none():
    claims: list[bool] = []

    def claim(waits: bool) -> bool:
        claims.append(waits)
        return waits

    outcomes = OutcomeBytes(replace(batch([]), free_outcome_bytes=30, claim_long_outcomes=claim))
    outcomes.take(b"x" * 30)
    assert outcomes.may_go_on(waits=False)
    outcomes.take(b"x", waits=False)
    assert not outcomes.may_go_on(waits=False)
    assert outcomes.may_go_on(waits=True)
    assert outcomes.may_go_on(waits=False)
    assert claims == [False, True]
