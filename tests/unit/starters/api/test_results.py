"""The list of the result files of a run is of the end that counts, or there is none."""

from typing import Any

import pytest

from fanout.adapters.run_files.files import RunFiles
from fanout.errors import RunConflictError
from fanout.models.status import ItemCounts, ResultManifest, RunStatus
from fanout.naming import blob_paths
from starters.api.results import read_manifest
from tests.support.doubles.memory_store import MemoryStore

MANIFEST = ResultManifest(
    run_id="r", workload="w", outcome="succeeded", items=ItemCounts(total=1, succeeded=1), files=[]
)


@pytest.fixture
def files() -> RunFiles:
    files = RunFiles(MemoryStore(), "runs")  # type: ignore[arg-type]  # the double of it
    files.write_model(blob_paths.results_manifest_path("r"), MANIFEST)
    return files


def status(**more: Any) -> RunStatus:
    known: dict[str, Any] = {"run_id": "r", "workload": "w", "results_url": ""}
    return RunStatus(**(known | {"status": "Completed", "phase": "done"} | more))


def test_a_run_that_has_ended_has_its_results(files: RunFiles):
    assert read_manifest(status(), files) == MANIFEST


def test_a_run_that_goes_on_shows_none_though_some_are_written(files: RunFiles):
    with pytest.raises(RunConflictError, match="still running"):
        read_manifest(status(phase="finalizing"), files)


def test_a_run_that_was_ended_by_force_while_its_results_were_written_has_none(files: RunFiles):
    with pytest.raises(RunConflictError, match="has no results: it is enough"):
        read_manifest(status(status="Terminated", error="it is enough"), files)


def test_a_redrive_that_was_ended_by_force_leaves_the_results_of_before(files: RunFiles):
    assert read_manifest(status(status="Terminated", redrive_count=1), files) == MANIFEST


def test_a_run_that_ended_before_it_had_results_says_why(files: RunFiles):
    files.delete(blob_paths.results_manifest_path("r"))
    with pytest.raises(RunConflictError, match="has no results: the source is gone"):
        read_manifest(status(error="the source is gone"), files)
