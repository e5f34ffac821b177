"""Sagas through the real orchestrators and activities, over blobs in memory."""

import asyncio
import json
import secrets
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from fanout.adapters.run_files.files import RunFiles
from fanout.messages.run import RunEnd
from fanout.models.outcome import STATUSES, ItemStatus
from fanout.models.request import RunRequest
from fanout.naming import blob_paths
from tests.support.replays.dying_runs import Listener, run_dying
from tests.support.replays.local_hub import LocalHub, local_hub
from tests.support.workloads.saga_workload import Effects, Voyage
from workloads import registry

# The embedded engine within this process: no host is asked.
pytestmark = pytest.mark.needs_embedded
AT_ONCE = {
    "max_attempts": 3,
    "base_seconds": 0,
    "factor": 1,
    "max_seconds": 0,
    "jitter_seconds": 0,
}


@dataclass
class Studio:
    """An engine that goes on from one test to the next.

    Attributes:
        name: Begins the ids of its runs: a process may have more than one after the other, and
            the effects of all of them are in one log.
    """

    runner: asyncio.Runner
    hub: LocalHub
    runs: int = 0
    run_id: str = ""
    name: str = field(default_factory=lambda: f"v{secrets.token_hex(3)}-")

    @property
    def files(self) -> RunFiles:
        return self.hub.files

    @property
    def effects(self) -> Effects:
        voyage = registry.get("voyage")
        assert isinstance(voyage, Voyage)
        return voyage.effects

    def run(self, items: list[dict[str, Any]], **more: Any) -> RunEnd:
        return self.runner.run(self.hub.run(*self._asked(items, **more)))

    def _asked(self, items: list[dict[str, Any]], **more: Any) -> tuple[str, RunRequest]:
        self.runs += 1
        self.run_id = f"{self.name}{self.runs}"
        asked = {"tolerance": {"percentage": 100}, "retry": AT_ONCE, "batch": {"max_items": 3}}
        source = {"kind": "inline", "items": items}
        request = RunRequest.model_validate({"workload": "voyage", "source": source} | asked | more)
        return self.run_id, request

    def run_dying(self, items: list[dict[str, Any]], calls: list[int]) -> RunEnd:
        """Carry out a run whose orchestrations die each time that so many steps have begun."""
        run_id, request = self._asked(items)
        return self.runner.run(run_dying(self.hub, run_id, request, calls, self._listen))

    def _listen(self, listener: Listener) -> None:
        self.effects.on_call = listener

    def redrive(self, attempt: int = 2, **asked: Any) -> RunEnd:
        return self.runner.run(self.hub.redrive(self.run_id, attempt, **asked))

    def lines(self) -> dict[str, dict[str, Any]]:
        """Every outcome by item, each of which has one."""
        listed = self.hub.manifest(self.run_id).files
        found = [
            json.loads(line)
            for file in listed
            if file.name.endswith(".jsonl") and not file.name.startswith("DEAD-LETTERS")
            for line in self.files.read(blob_paths.result_path(self.run_id, file.name)).splitlines()
        ]
        assert len({line["index"] for line in found}) == len(found)
        return {line["item_id"]: line for line in found}

    def log(self) -> list[tuple[str, str]]:
        """What was done and undone in this run: ``("do", "item/step")``, in order."""
        prefix = f"{self.run_id}/"
        return [
            (what, key.removeprefix(prefix))
            for what, key in self.effects.log
            if key.startswith(prefix)
        ]

    def standing(self) -> set[str]:
        prefix = f"{self.run_id}/"
        return {k.removeprefix(prefix) for k in self.effects.standing if k.startswith(prefix)}


@pytest.fixture(scope="module")
def studio(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Studio]:
    path = tmp_path_factory.mktemp("sagas") / "hub.db"
    with asyncio.Runner() as runner:
        engine = local_hub(path)
        yield Studio(runner, runner.run(engine.__aenter__()))
        runner.run(engine.__aexit__(None, None, None))


def test_a_run_ends_each_item_in_one_way_and_says_which(studio: Studio):
    end = studio.run(
        [
            {"id": "good"},
            {"id": "patient", "fates": {"flight": 2}},
            {"id": "rejected", "fates": {"check": "refuse"}},
            {"id": "unpaid", "fates": {"pay": "refuse"}},
            {"id": "stuck", "fates": {"pay": "refuse", "undo hotel": "refuse"}},
            {"id": "untold", "fates": {"tell": "busy"}},
            {"wrong": "field"},
        ]
    )
    assert end.outcome == "partially_succeeded"
    assert end.items.model_dump() == {
        "total": 7,
        "succeeded": 2,
        "failed": 2,
        "pending": 0,
        "compensated": 2,
        "compensation_failed": 1,
    }
    lines = studio.lines()
    assert lines["good"]["output"] == {
        "flight": "flight of good",
        "hotel": "hotel of good",
        "pay": "pay of good",
        "tell": "tell of good",
    }
    assert lines["patient"]["attempts"] == 3
    assert lines["rejected"]["status"] == "failed"
    assert lines["6"]["error"]["type"] == "ItemValidationError"
    unpaid = lines["unpaid"]
    assert (unpaid["status"], unpaid["error"]["message"]) == ("compensated", "pay: no pay")
    assert set(unpaid["saga"]["undone"]) == {"flight", "hotel"}
    stuck = lines["stuck"]
    assert stuck["status"] == "compensation_failed"
    assert (stuck["saga"]["undone"], stuck["saga"]["undo_failed"]) == (["flight"], ["hotel"])
    assert stuck["error"]["message"] == "pay: no pay; to undo hotel: no undo hotel"
    assert lines["untold"]["saga"]["undone"][0] == "pay"
    assert studio.standing() == {
        *(f"{item}/{step}" for item in ("good", "patient") for step in STEPS),
        "stuck/hotel",
    }
    assert studio.hub.dead_letters(studio.run_id) == Counter([2, 3, 4, 5, 6])
    state = studio.hub.governor(studio.run_id)
    assert state.items == end.items


STEPS = ("flight", "hotel", "pay", "tell")


def test_a_redrive_takes_up_what_failed_with_new_keys_and_leaves_the_rest(studio: Studio):
    studio.run(
        [
            {"id": "good-from-the-first"},
            {"id": "late", "fates": {"pay": "refuse-first-take"}},
            {"id": "stuck", "fates": {"pay": "refuse-first-take", "undo hotel": "refuse"}},
            {"id": "never", "fates": {"check": "refuse"}},
        ]
    )
    end = studio.redrive()
    assert (end.items.succeeded, end.items.failed, end.items.compensation_failed) == (2, 1, 1)
    lines = studio.lines()
    assert lines["late"]["saga"]["take"] == 2
    assert lines["never"]["saga"]["take"] == 2
    assert {f"late/{step}/take-2" for step in STEPS} <= studio.standing()
    assert not {f"late/{step}" for step in STEPS} & studio.standing()
    assert studio.effects.calls["good-from-the-first", "pay"] == 1
    state = studio.hub.governor(studio.run_id, 2)
    assert state.items == end.items


def test_a_redrive_may_ask_for_some_errors_only(studio: Studio):
    studio.run(
        [
            {"id": "late", "fates": {"pay": "refuse-first-take"}},
            {"id": "busy", "fates": {"pay": "busy"}},
        ]
    )
    end = studio.redrive(error_types=["PermanentError"])
    assert (end.items.succeeded, end.items.compensated) == (1, 1)
    assert studio.lines()["busy"]["saga"]["take"] == 1


def test_failures_of_sagas_count_against_the_tolerance(studio: Studio):
    items = [{"id": str(n), "fates": {"pay": "refuse"}} for n in range(60)]
    end = studio.run(items, tolerance={"count": 3}, concurrency={"batches": 1})
    assert end.outcome == "failed"
    assert end.items.pending > 0
    assert "more than the run's tolerance" in str(end.error)


FATES = st.one_of(
    st.sampled_from(["refuse", "busy", "refuse-first-take"]), st.integers(min_value=1, max_value=2)
)
CALLS = ["check", *STEPS, "undo flight", "undo hotel", "undo pay"]


@settings(max_examples=25, suppress_health_check=[HealthCheck.too_slow])
@given(
    st.lists(st.dictionaries(st.sampled_from(CALLS), FATES, max_size=3), min_size=1, max_size=12),
    st.booleans(),
)
def test_whatever_fails_every_effect_stands_or_was_taken_back(
    studio: Studio, fates: list[dict[str, Any]], is_redriven: bool
):
    end = studio.run([{"id": f"i{n}", "fates": fate} for n, fate in enumerate(fates)])
    if is_redriven and end.items.failed + end.items.compensated:
        end = studio.redrive()
    lines = studio.lines()
    statuses: Counter[ItemStatus] = Counter(line["status"] for line in lines.values())
    assert {s: statuses[s] for s in STATUSES} == end.items.model_dump(exclude={"total"})
    assert end.items.total == len(fates) and end.items.pending == 0
    standing = studio.standing()
    for item_id, line in lines.items():
        take = line["saga"]["take"]
        own = {key for key in standing if key.startswith(f"{item_id}/")}
        ended = "" if take == 1 else f"/take-{take}"
        if line["status"] == "succeeded":
            assert own == {f"{item_id}/{step}{ended}" for step in STEPS}
        elif line["status"] == "compensation_failed":
            # A step that was never done, as far as is known, left nothing that could stand.
            left = set(line["saga"]["undo_failed"]) & set(line["saga"].get("done", []))
            assert own == {f"{item_id}/{step}{ended}" for step in left}
        else:
            assert own == set()


@settings(max_examples=25, suppress_health_check=[HealthCheck.too_slow])
@given(
    st.lists(st.dictionaries(st.sampled_from(CALLS), FATES, max_size=3), min_size=1, max_size=8),
    st.lists(st.integers(min_value=1, max_value=40), min_size=1, max_size=3),
)
def test_a_run_that_dies_anywhere_ends_as_it_would_have_and_does_nothing_again(
    studio: Studio, fates: list[dict[str, Any]], calls: list[int]
):
    items = [{"id": f"i{n}", "fates": fate} for n, fate in enumerate(fates)]
    wanted = studio.run(items)
    lines = {item_id: _told(line) for item_id, line in studio.lines().items()}
    log, standing = Counter(studio.log()), studio.standing()
    end = studio.run_dying(items, calls)
    assert (end.outcome, end.items) == (wanted.outcome, wanted.items)
    assert {item_id: _told(line) for item_id, line in studio.lines().items()} == lines
    assert (Counter(studio.log()), studio.standing()) == (log, standing)
    assert studio.hub.governor(studio.run_id).items == wanted.items


def _told(line: dict[str, Any]) -> dict[str, Any]:
    """What must be said of an item: how long it took is not, nor which of two was undone first."""
    saga = {
        name: sorted(found) if isinstance(found, list) else found
        for name, found in line.get("saga", {}).items()
    }
    return {name: found for name, found in line.items() if name != "duration_ms"} | {"saga": saga}
