from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic_core import from_json, to_json

from fanout.models.outcome import GIVEN_UP, STATUSES
from fanout.models.plan import Reopening
from fanout.outcomes.lines import count_statuses
from fanout.outcomes.reopening import UNDO_AWAY_SINCE, UNDO_RETRY_AFTER, UNDO_TRIES, reopen

UNDO = Reopening(undoes=True)
NOTES = {UNDO_TRIES: 2, UNDO_RETRY_AFTER: 1.5, UNDO_AWAY_SINCE: 1}


def line(status: str, index: int = 0, **more: Any) -> bytes:
    return to_json({"status": status, "index": index, "item_id": "a", "attempts": 1} | more) + b"\n"


def failed_undo(index: int, kind: str = "KeyError", **more: Any) -> bytes:
    error = {"type": kind, "message": "no", "retryable": False}
    return line("compensation_failed", index, output={"n": index}, error=error, **more)


def test_what_could_not_be_undone_is_a_success_again_as_it_was_before():
    before = line("succeeded", 1, output={"n": 1})
    assert reopen(failed_undo(1, **NOTES), UNDO) == before


def test_a_success_loses_what_an_earlier_attempt_noted_of_its_undo():
    before = line("succeeded", 1, output='{"undo_attempts": 2}')
    assert reopen(before, UNDO) == before
    assert reopen(line("succeeded", 1, output='{"undo_attempts": 2}', **NOTES), UNDO) == before


def test_only_undo_that_failed_for_one_of_these_is_taken_up():
    lines = failed_undo(0) + failed_undo(1, "ValueError") + line("succeeded", 2, output=1)
    found = reopen(lines, Reopening(undoes=True, error_types=["ValueError"]))
    assert [from_json(one)["status"] for one in found.splitlines()] == [
        "compensation_failed",
        "succeeded",
        "succeeded",
    ]


@given(st.lists(st.sampled_from(STATUSES), max_size=8), st.booleans())
def test_each_line_stays_where_it_is_and_a_second_time_changes_nothing(
    statuses: list[str], has_notes: bool
):
    error = {"error": {"type": "KeyError", "message": "no"}}
    more = (NOTES if has_notes else {}) | error
    data = b"".join(line(status, n, **more) for n, status in enumerate(statuses))
    found = reopen(data, UNDO)
    assert [from_json(one)["index"] for one in found.splitlines()] == [*range(len(statuses))]
    assert reopen(found, UNDO) == found
    counts = count_statuses(found)
    assert counts["succeeded"] == sum(s in ("succeeded", "compensation_failed") for s in statuses)
    for status in ("failed", "pending", "compensated"):
        assert counts[status] == statuses.count(status)


def test_what_opens_an_attempt_that_undoes_is_a_success():
    assert (UNDO.opened_status, Reopening().opened_status) == ("succeeded", "pending")


@pytest.mark.parametrize("status", GIVEN_UP)
def test_each_item_that_was_given_up_on_is_something_to_redrive(status: str):
    # Of a saga: over HTTP a redrive is refused unless something is opened as for a whole batch.
    data = line("succeeded") + line(status, 1, error={"type": "KeyError", "message": "no"})
    counts = count_statuses(reopen(data, Reopening(whole=True)))
    assert counts == count_statuses(line("succeeded") + line("pending", 1))
