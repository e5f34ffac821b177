"""What a node of the merge tree came to is read as it was written."""

import pytest

from activities.results.partials import MergedPartial, Merger, read_merged
from fanout.messages.run import RunRef
from fanout.models.plan import PlanManifest
from fanout.models.request import RunRequest
from fanout.naming import blob_paths
from fanout.splitting.sizes.budget import Budget
from tests.support.replays.local_runs import RUN_ID, LocalRun

REQUEST = {
    "workload": "sum",
    "parameters": {"column": "n"},
    "source": {"kind": "csv", "container": "inbox", "blob": "rows"},
}
REF = RunRef(run_id=RUN_ID)


def planned(*, has_digests: bool) -> LocalRun:
    """A run whose plan is of this version of the app, or of one before it."""
    run = LocalRun(RunRequest.model_validate(REQUEST))
    run.use(Budget())
    run.store.write("inbox", "rows", b"n\n1\n")
    shape = {"items": 1, "cuts": 1, "partitions": 1, "cuts_per_partition": 1}
    manifest = PlanManifest(has_digests=has_digests, **shape)
    run.files.write_model(blob_paths.plan_path(RUN_ID), manifest)
    return run


@pytest.mark.parametrize("has_digests", [True, False])
def test_a_node_without_partials_is_no_partial(has_digests: bool):
    run = planned(has_digests=has_digests)
    Merger(run.request).write(run.files, REF, 0, 0)
    assert read_merged(run.files, REF, 0, 0) == MergedPartial()


@pytest.mark.parametrize("has_digests", [True, False])
def test_a_node_that_could_not_be_merged_says_why(has_digests: bool):
    run = planned(has_digests=has_digests)
    merger = Merger(run.request)
    merger.fault = "too many groups"
    merger.write(run.files, REF, 0, 0)
    assert read_merged(run.files, REF, 0, 0) == MergedPartial(fault="too many groups")


def test_what_an_earlier_version_has_left_is_read():
    run = planned(has_digests=False)
    run.files.write(blob_paths.merged_path(RUN_ID, 1, 0, 0), b"{}")
    assert read_merged(run.files, REF, 0, 0) == MergedPartial(b"{}")
    assert read_merged(run.files, REF, 0, 1) == MergedPartial()
    run.files.write(blob_paths.merge_faults(RUN_ID, 1) + "0-0", b"too many groups")
    assert read_merged(run.files, REF, 0, 1) == MergedPartial(fault="too many groups")
