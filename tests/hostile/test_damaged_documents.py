"""Damage to documents of a run: it ends as if nothing had happened, or fails by name.

A plan that is lost is made again by a redrive. Results are compared with what was written.
"""

from collections.abc import Iterator
from typing import Any

import pytest

from fanout.adapters.run_files.files import forget_kept
from fanout.adapters.run_files.results import damaged_results, read_result
from fanout.errors import DamagedFileError, UnreadableDocumentError
from fanout.messages.run import RunEnd
from fanout.models.request import RunRequest
from fanout.naming import blob_paths, functions
from tests.support.hostile.damage import KINDS, Damage, DamagedRun, Kind, read
from tests.support.hostile.local_settings import local_settings
from tests.support.replays.local_runs import RUN_ID

CONTAINER = "runs"
ACTIVITIES = (functions.PROCESS_BATCH, functions.SETTLE)


@pytest.fixture(autouse=True, scope="module")
def settings_of_this_machine() -> Iterator[None]:
    with local_settings():
        yield


def request(items: int = 12) -> RunRequest:
    kinds: list[dict[str, Any]] = [{}, {"ending": "permanent"}, {}]
    return RunRequest.model_validate(
        {
            "workload": "probe",
            "source": {"kind": "inline", "items": [{"id": n} | kinds[n % 3] for n in range(items)]},
            "batch": {"max_items": 2},
            "tolerance": {"percentage": 100},
        }
    )


def results(run: DamagedRun) -> list[tuple[Any, ...]]:
    found = run.scouted.run.outcomes()
    return sorted((one.index, one.count, one.status, str(one.output)) for one in found)


def carried_out(damages: list[Damage]) -> tuple[DamagedRun, RunEnd]:
    run = DamagedRun(request(), damages, 10**9)
    run.inline.is_forgetful = True
    return run, run.carry_out()


@pytest.fixture(scope="module")
def truth() -> tuple[RunEnd, list[tuple[Any, ...]]]:
    run, end = carried_out([])
    return end, results(run)


@pytest.mark.parametrize("before", ACTIVITIES)
@pytest.mark.parametrize("file", range(2))
@pytest.mark.parametrize("kind", KINDS)
def test_a_plan_that_is_lost_is_named_and_made_again_by_a_redrive(
    truth: tuple[RunEnd, list[tuple[Any, ...]]], kind: Kind, file: int, before: str
):
    run, end = carried_out([Damage(kind, "plan/", before, file, 0.6)])
    if end.outcome == "failed":
        assert any(path in (end.error or "") for path in run.inline.damaged)
        end = run.carry_out()
    assert (end.outcome, end.items) == (truth[0].outcome, truth[0].items)
    assert results(run) == truth[1]


@pytest.mark.parametrize("at", [0.1, 0.5, 0.9, 0.97])
@pytest.mark.parametrize("kind", ["cut", "flip", "blank", "empty"])
def test_a_request_that_was_changed_is_carried_out_by_nobody(kind: Kind, at: float):
    run, end = carried_out([Damage(kind, "request.json", functions.PROCESS_BATCH, 0, at)])
    assert run.inline.damaged
    assert end.outcome == "failed"
    assert f"{RUN_ID}/request.json" in (end.error or "")
    for look in (run.files.request, run.files.settings):
        with pytest.raises(UnreadableDocumentError, match=r"r/request\.json"):
            look(RUN_ID)


def test_what_a_redrive_asks_for_and_was_changed_is_carried_out_by_nobody():
    run, _ = carried_out([])
    run.inline.damages = [Damage("flip", "attempts/", functions.BEGIN, 0, 0.9)]
    end = run.carry_out()
    assert run.inline.damaged == [blob_paths.attempt_path(RUN_ID, 2)]
    assert end.outcome == "failed"
    assert blob_paths.attempt_path(RUN_ID, 2) in (end.error or "")


def test_a_plan_of_another_source_is_not_taken_for_the_one_that_was_lost():
    run, _ = carried_out([])
    store: Any = run.files.store
    asked = request(13).model_copy(update={"run_id": RUN_ID})
    kept = run.files.read_claim(RUN_ID)
    store.delete(CONTAINER, blob_paths.request_path(RUN_ID))
    assert run.files.claim(RUN_ID, asked, kept.claimed_at)
    store.delete(CONTAINER, blob_paths.plan_path(RUN_ID))
    forget_kept()
    run.scouted.claim = run.files.claim_of(RUN_ID)
    end = run.carry_out()
    assert end.outcome == "failed"
    assert "is lost" in (end.error or "")


@pytest.mark.parametrize("kind", KINDS)
def test_a_result_file_is_given_as_it_was_written_or_not_at_all(kind: Kind):
    run, _ = carried_out([])
    names = [file.name for file in run.scouted.run.manifest().files]
    store: Any = run.files.store
    for number, name in enumerate(names):
        path = blob_paths.result_path(RUN_ID, name)
        whole, beside = read(store, path)
        damage = Damage(kind, f"results/{name}", "", 0, 0.5)
        if kind in ("swap", "swap whole"):
            other = blob_paths.result_path(RUN_ID, names[(number + 1) % len(names)])
            store.write(CONTAINER, path, read(store, other)[0], metadata=beside)
        else:
            assert damage.do(store) == path
        with pytest.raises(DamagedFileError, match=name):
            read_result(run.files, RUN_ID, name)
        assert [error.path for error in damaged_results(run.files, RUN_ID)] == [path]
        store.write(CONTAINER, path, whole, metadata=beside)
        assert read_result(run.files, RUN_ID, name).data == whole
    assert [*damaged_results(run.files, RUN_ID)] == []


@pytest.mark.parametrize("name", ["results/manifest.json", "summary.json"])
def test_what_says_how_a_run_ended_is_as_it_was_written_or_named(name: str):
    run, _ = carried_out([])
    assert Damage("flip", name, "", 0, 0.6).do(run.files.store) is not None  # type: ignore[arg-type]
    with pytest.raises(UnreadableDocumentError, match=name):
        run.files.read_model(RunEnd, f"{RUN_ID}/{name}")
