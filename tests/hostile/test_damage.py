"""Damage to what a run keeps of outcomes: results are right, or the run fails by name."""

from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pydantic_core import from_json

from fanout.adapters.run_files.part_reader import has_redo
from fanout.models.plan import Reopening
from fanout.models.request import RunRequest
from fanout.naming import functions
from tests.support.hostile.damage import KINDS, Damage, DamagedRun, Kind
from tests.support.hostile.local_settings import local_settings
from tests.support.replays.local_runs import RUN_ID

ITEMS = 12
AT_ONCE = {"max_attempts": 3, "base_seconds": 0, "max_seconds": 0, "jitter_seconds": 0}
# So that a run is one range of batches, or many.
ONE_RANGE, MANY_RANGES = 10**9, 300


def map_request() -> RunRequest:
    kinds: list[dict[str, Any]] = [{}, {"good": 2}, {"ending": "permanent"}, {}]
    return request("probe", [{"id": n} | kinds[n % 4] for n in range(ITEMS)])


def chunk_request() -> RunRequest:
    return request("sum", [{"n": n} for n in range(ITEMS)], {"column": "n"})


def request(
    workload: str, items: list[Any], parameters: dict[str, Any] | None = None
) -> RunRequest:
    return RunRequest.model_validate(
        {
            "workload": workload,
            "source": {"kind": "inline", "items": items},
            "parameters": parameters or {},
            "batch": {"max_items": 2},
            "tolerance": {"percentage": 100},
            "retry": AT_ONCE,
        }
    )


def plain(name: str, data: bytes) -> Any:
    """A result file without what differs between two right runs."""
    if not name.endswith(".jsonl"):
        return from_json(data)["sum"]  # where batches begin is another matter
    return [
        {key: value for key, value in from_json(line).items() if key not in ("duration_ms", "run")}
        for line in data.splitlines()
    ]


@pytest.fixture(autouse=True, scope="module")
def settings_of_this_machine() -> Iterator[None]:
    with local_settings():
        yield


REQUESTS = {"probe": map_request, "sum": chunk_request}


def outcomes(run: DamagedRun) -> list[Any]:
    """Every outcome in source order; attempts are left out, since a redrive makes others."""
    found = [
        line
        for name, lines in run.results(plain).items()
        if name.endswith(".jsonl") and not name.startswith("DEAD-LETTERS")
        for line in lines
    ]
    return sorted(
        ({k: v for k, v in line.items() if k != "attempts"} for line in found),
        key=lambda line: line["index"],
    )


def rendered(run: DamagedRun) -> dict[str, Any]:
    return {k: v for k, v in run.results(plain).items() if not k.endswith(".jsonl")}


def insist_on_truth(workload: str, damages: list[Damage], max_bytes: int) -> DamagedRun:
    """Results are those of a run that nobody damaged, or it fails by name; redriven it is right."""
    whole = DamagedRun(REQUESTS[workload](), [], max_bytes)
    wanted_end = whole.carry_out()
    wanted, files = outcomes(whole), rendered(whole)
    run = DamagedRun(REQUESTS[workload](), damages, max_bytes)
    end = run.carry_out()
    if end.outcome == "failed":
        assert end.error is not None
        assert any(path in end.error for path in run.inline.damaged), (end, run.inline.damaged)
        run.inline.damages.clear()
        has_redo(run.files, RUN_ID, 1, Reopening())  # what a caller asks for first reads it as well
        end = run.carry_out()
    assert (end.outcome, end.items) == (wanted_end.outcome, wanted_end.items)
    assert (outcomes(run), rendered(run)) == (wanted, files)
    return run


@pytest.mark.parametrize("max_bytes", [ONE_RANGE, MANY_RANGES])
@pytest.mark.parametrize("workload", REQUESTS)
@pytest.mark.parametrize("file", range(4))
@pytest.mark.parametrize("kind", KINDS)
def test_damage_to_a_part_or_partial_is_found_and_mended_by_a_redrive(
    kind: Kind, file: int, workload: str, max_bytes: int
):
    damage = Damage(kind, "parts/", functions.SETTLE, file, 0.5)
    run = insist_on_truth(workload, [damage], max_bytes)
    assert run.inline.damaged


def test_a_part_that_was_cut_short_at_any_byte_is_found():
    for step in range(60):
        insist_on_truth("probe", [Damage("cut", "parts/", functions.SETTLE, 0, step / 60)], 10**9)


DAMAGES = st.builds(
    Damage,
    kind=st.sampled_from(KINDS),
    folder=st.sampled_from(["parts/", "plan/fan-in-"]),
    before=st.sampled_from(
        [functions.SETTLE, functions.WRITE_RESULTS, functions.MERGE_PARTIALS, functions.FINALIZE]
    ),
    file=st.integers(0, 30),
    at=st.floats(0, 1, exclude_max=True),
)


@settings(suppress_health_check=[HealthCheck.too_slow], deadline=None)
@given(
    workload=st.sampled_from(sorted(REQUESTS)),
    damages=st.lists(DAMAGES, min_size=1, max_size=3),
    max_bytes=st.sampled_from([ONE_RANGE, MANY_RANGES]),
)
def test_no_damage_is_silent(workload: str, damages: list[Damage], max_bytes: int):
    insist_on_truth(workload, damages, max_bytes)
