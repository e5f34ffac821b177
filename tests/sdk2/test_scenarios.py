"""The orchestrators come to the same on the SDK 2.x as on 1.x, whatever their activities do."""

from typing import Any

import pytest

from tests.support.replays.scenarios import scenarios

pytestmark = pytest.mark.timeout(900)
Outcomes = tuple[dict[str, Any], dict[str, Any]]


@pytest.mark.parametrize("run_id", sorted(scenarios()))
def test_a_run_comes_to_the_same_as_on_1(outcomes: Outcomes, run_id: str):
    before, now = outcomes
    assert now[run_id] == before[run_id]


def test_every_kind_of_end_is_among_them(outcomes: Outcomes):
    _, now = outcomes
    assert {one["outcome"] for one in now.values()} == {"succeeded", "failed"}
    assert {one["phase"] for one in now.values()} == {"done"}
    assert {status for _, status, *_ in now["sagas"]["sagas"]} == {
        "succeeded",
        "failed",
        "compensated",
        "compensation_failed",
    }
    assert len(now["tree"]["merges"]) > 2 and len(now["scanned"]["scanned"]) == 130
