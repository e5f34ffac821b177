"""What may not change between versions: this one replays what those have written that it follows.

`docs/how-to/upgrade.md` says which those are, and what to do where one cannot be followed.
"""

from pathlib import Path
from typing import Any

import pytest

from fanout.naming import functions
from orchestrators import run, waves
from tests.support.releases.breaking_version import after_a_look
from tests.support.releases.kept_histories import (
    ROOT,
    Kept,
    current_version,
    goes_on,
    kept_versions,
    read_kept,
)
from tests.support.replays.recorded_histories import replay
from tests.support.replays.recorded_runs import ORCHESTRATORS, user_functions

UPGRADE = ROOT / "docs" / "how-to" / "upgrade.md"
FEWEST = 100


@pytest.fixture(scope="module", params=kept_versions())
def kept(request: pytest.FixtureRequest) -> list[Kept]:
    return list(read_kept(request.param))


def strayed(kept: list[Kept]) -> list[str]:
    """The orchestrations that would not go on as they have begun."""
    now = user_functions()
    return [
        one.turn["instanceId"]
        for one in kept
        if not goes_on(
            vars(one.decided) | {"error": bool(one.decided.error)},
            vars(made := replay(now[one.orchestrator], one.turn)) | {"error": bool(made.error)},
        )
    ]


def test_every_orchestration_of_an_earlier_version_would_go_on(kept: list[Kept]):
    assert len(kept) > FEWEST
    assert {one.orchestrator for one in kept} == ORCHESTRATORS
    assert strayed(kept) == []


def test_every_function_is_there_that_a_history_names(kept: list[Kept]):
    assert set().union(*(one.names for one in kept)) <= functions.ALL


def test_it_is_noticed_if_orchestrators_ask_for_something_else_first(
    kept: list[Kept], monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(run, "await_plan", after_a_look(run.await_plan))
    runs = [one for one in kept if one.orchestrator == functions.RUN]
    assert len(strayed(runs)) == len(runs)


def test_it_is_noticed_if_a_history_gets_shorter(kept: list[Kept], monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(waves, "EVENT_BUDGET", 20)
    assert strayed(kept) != []


@pytest.mark.parametrize(
    ("now", "is_same"),
    [
        ({"name": "begin", "input": '{"a": 1, "b": 2}', "more": 0}, True),
        ({"name": "begin", "input": '{"a": 1}'}, True),
        ({"name": "begin", "input": '{"b": 1}'}, False),
        ({"name": "start", "input": '{"a": 1}'}, False),
        ({"input": '{"a": 1}'}, False),
    ],
)
def test_a_question_may_say_more_and_nothing_else(now: Any, *, is_same: bool):
    assert goes_on({"name": "begin", "input": '{"a": 1}'}, now) is is_same


def test_the_version_in_the_making_is_kept_and_the_page_names_all_that_are():
    assert current_version() in kept_versions()
    page = Path(UPGRADE).read_text()
    assert [version for version in kept_versions() if f"| {version} |" not in page] == []
