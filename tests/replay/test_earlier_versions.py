"""What may not change between versions: this one replays what those have written that it follows.

`docs/how-to/upgrade.md` says which those are, and what to do where one cannot be followed.
"""

import json
from pathlib import Path
from typing import Any

import pytest

from activities.registered import ACTIVITIES
from fanout.messages.sagas import FindUndoResult
from fanout.naming import functions
from orchestrators import run, saga, waves
from orchestrators.calling import call_all
from orchestrators.calls import Call
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


def asked(kept: list[Kept], orchestrator: str) -> list[dict[str, Any]]:
    """What executions of an orchestrator were begun with."""
    return [json.loads(one.turn["input"]) for one in kept if one.orchestrator == orchestrator]


def test_every_activity_that_an_orchestration_may_call_is_called_in_the_histories(kept: list[Kept]):
    named = set().union(*(one.names for one in kept))
    children = {functions.SHARD, functions.FAN_IN, functions.SAGA_BATCH, functions.SAGA}
    assert named >= {*ACTIVITIES, functions.START_IN_TURN, *children}


def test_runs_that_were_redriven_are_among_them(kept: list[Kept]):
    attempts = {ask.get("attempt", 1) for ask in asked(kept, functions.RUN)}
    assert attempts >= {1, 2}
    may_undo = {ask.get("may_undo", False) for ask in asked(kept, functions.SAGA)}
    assert may_undo == {False, True}


@pytest.mark.parametrize(
    "name", [functions.PLAN_COMPENSATION, functions.FIND_UNDO, functions.RECORD_SAGA]
)
def test_what_storage_can_fail_has_failed_in_one_of_them(kept: list[Kept], name: str):
    assert any(one.has_failed(name) for one in kept)


def test_it_is_noticed_if_a_saga_asks_nobody_what_is_to_be_undone(
    kept: list[Kept], monkeypatch: pytest.MonkeyPatch
):
    def find_nothing(*_: Any) -> Any:
        yield from ()
        return FindUndoResult()

    monkeypatch.setattr(saga, "_find_undo", find_nothing)
    assert strayed(kept) != []


def test_it_is_noticed_if_a_saga_gives_up_its_record_at_once(
    kept: list[Kept], monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(saga, "MAX_RECORDS", 1)
    assert strayed(kept) != []


def test_it_is_noticed_if_the_plan_of_a_compensation_is_asked_for_once(
    kept: list[Kept], monkeypatch: pytest.MonkeyPatch
):
    def call_once(context: Any, call: Call) -> Any:
        (only,) = yield from call_all(context, [call])
        return only

    monkeypatch.setattr(run, "call_insistently", call_once)
    assert strayed(kept) != []


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
