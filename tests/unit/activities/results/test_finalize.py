from typing import Any, ClassVar

import pytest
from pydantic_core import from_json

from activities.results.finalize import decide_end
from fanout.messages.payloads import dump
from fanout.messages.run import RunEnd, Verdict
from fanout.models.request import Tolerance
from fanout.models.status import ItemCounts
from fanout.naming import blob_paths
from fanout.naming.result_names import ResultKind
from fanout.workload import RenderedFile
from tests.support.replays.local_runs import RUN_ID, LocalRun, halted, inline, lines
from tests.support.workloads.hostile_workloads import ERRORS, HostileMerge, HostileReport
from workloads import registry

ONES = {"batch": {"max_items": 1}}


def items(count: int) -> list[dict]:
    return [{"id": n} for n in range(count)]


def test_outcomes_are_sorted_by_status_and_keep_their_order():
    values = [{"id": n, "ending": "permanent" if n % 3 == 0 else "ok"} for n in range(10)]
    run = LocalRun(inline(values, batch={"max_items": 2}, tolerance={"percentage": 50}))
    end = run.run()
    assert end.outcome == "partially_succeeded" and end.error is None
    by_file = {
        file.name: [
            o.index for o in lines(run.files.read(blob_paths.result_path(RUN_ID, file.name)))
        ]
        for file in run.manifest().files
        if not file.name.startswith(ResultKind.DEAD_LETTERS)
    }
    assert by_file == {
        "SUCCEEDED-00000.jsonl": [1, 2, 4, 5, 7, 8],
        "FAILED-00000.jsonl": [0, 3, 6, 9],
    }


def test_batches_that_were_never_run_are_pending_and_fail_the_run():
    run = LocalRun(inline(items(5), batch={"max_items": 2}))
    size = run.plan().work.cuts_per_partition
    run.batch(*divmod(1, size))
    end = run.finalize()
    assert (end.items.succeeded, end.items.pending, end.items.total) == (2, 3, 5)
    assert end.outcome == "failed"
    assert end.error is not None and "3 of 5 items are pending" in end.error
    pending = [(o.index, o.count) for o in run.outcomes() if o.status == "pending"]
    assert pending == [(0, 2), (4, 1)]


def test_items_that_wait_for_a_round_that_never_came_are_pending():
    run = LocalRun(inline([{"id": 0, "good": 2}, {"id": 1}]))
    run.plan()
    run.batch()
    end = run.finalize()
    assert (end.items.succeeded, end.items.pending) == (1, 1)


def test_only_the_newest_round_counts():
    run = LocalRun(inline([{"id": 0, "good": 3}, {"id": 1}]))
    run.run()
    assert [(o.index, o.status, o.attempts) for o in run.outcomes()] == [
        (0, "succeeded", 3),
        (1, "succeeded", 1),
    ]


def test_finalizing_twice_gives_the_same():
    run = LocalRun(inline([*items(4), {"id": 4, "ending": "permanent"}], **ONES))
    first = run.run()
    manifest, outcomes = run.manifest(), run.outcomes()
    assert run.finalize() == first
    assert (run.manifest(), run.outcomes()) == (manifest, outcomes)


def test_the_summary_says_how_the_run_ended():
    run = LocalRun(inline(items(3)))
    end = run.run()
    assert RunEnd.model_validate(from_json(run.files.read(blob_paths.summary_path(RUN_ID)))) == end


@pytest.mark.parametrize(
    ("tolerance", "counts", "outcome"),
    [
        (Tolerance(), {"total": 5, "succeeded": 5}, "succeeded"),
        (Tolerance(count=1), {"total": 5, "succeeded": 4, "failed": 1}, "partially_succeeded"),
        (Tolerance(count=1), {"total": 5, "succeeded": 3, "failed": 2}, "failed"),
        (Tolerance(), {"total": 5, "succeeded": 4, "failed": 1}, "failed"),
        (Tolerance(), {"total": 5, "succeeded": 4, "pending": 1}, "failed"),
        (Tolerance(), {}, "succeeded"),
    ],
)
def test_the_outcome_follows_from_the_counts(tolerance: Tolerance, counts: dict, outcome: str):
    end = decide_end(inline([]), Verdict(tolerance=tolerance), ItemCounts(**counts))
    assert (end.outcome, end.items) == (outcome, ItemCounts(**counts))
    assert (end.error is None) == (outcome != "failed")


@pytest.mark.parametrize(
    ("counts", "outcome"),
    [
        ({"total": 5, "failed": 1, "compensated": 4}, "compensated"),
        ({"total": 5, "failed": 1, "compensated": 2, "pending": 2}, "compensated"),
        ({"total": 5, "failed": 1, "compensated": 3, "compensation_failed": 1}, "compensated"),
        ({"total": 5, "failed": 1, "compensated": 3, "succeeded": 1}, "failed"),
    ],
)
@pytest.mark.parametrize("tolerance", [Tolerance(), Tolerance(percentage=100)])
def test_a_run_that_was_compensated_says_so_whatever_it_tolerates(
    tolerance: Tolerance, counts: dict, outcome: str
):
    verdict = Verdict(tolerance=tolerance, compensates=True)
    end = decide_end(inline([], on_exceeded="compensate"), verdict, ItemCounts(**counts))
    assert end.outcome == outcome
    is_left = "1 that had succeeded are not undone" in str(end.error)
    assert is_left == (outcome == "failed")


def test_a_redrive_of_an_undo_that_was_cancelled_says_so():
    verdict = Verdict(is_cancelled=True)
    counts = ItemCounts(total=3, failed=1, compensated=1, compensation_failed=1)
    end = decide_end(inline([], on_exceeded="compensate"), verdict, counts)
    assert end.outcome == "cancelled"


def test_a_run_that_was_cancelled_leaves_the_rest_pending():
    run = LocalRun(inline([{"id": n} for n in range(6)], batch={"max_items": 2}))
    run.work_off(halted(run.plan(), 1))
    run.is_cancelled = True
    end = run.finalize()
    assert (end.outcome, end.items.succeeded, end.items.pending) == ("cancelled", 2, 4)
    assert "PENDING-00000.jsonl" in {file.name for file in run.manifest().files}


def test_a_cancel_that_came_too_late_changes_nothing():
    run = LocalRun(inline([{"id": 1}]))
    run.is_cancelled = True
    assert run.run().outcome == "succeeded"


@pytest.mark.parametrize("name", ERRORS)
def test_a_report_that_raises_fails_the_run_by_name_and_loses_no_other_file(name: str) -> None:
    items = [{"id": n} for n in range(3)]
    run = LocalRun(inline(items, "hostile-report", parameters={"raises": name}))
    end = run.run()
    assert (end.outcome, end.items.succeeded) == ("failed", 3)
    assert end.error is not None and end.error.startswith(
        "the workload 'hostile-report' cannot make its files: "
    )
    dump(end)
    assert [file.name for file in run.manifest().files] == ["first.txt", "SUCCEEDED-00000.jsonl"]
    assert [outcome.output for outcome in run.outcomes()] == [0, 1, 2]


def test_a_redrive_makes_the_files_that_a_report_could_not(monkeypatch: pytest.MonkeyPatch) -> None:
    run = LocalRun(inline(items(3), "hostile-report", parameters={"raises": "surrogate"}))
    assert run.run().outcome == "failed"
    monkeypatch.setattr(HostileReport, "is_mended", True)
    assert run.redrive().outcome == "succeeded"


class OddReport(HostileReport):
    """Makes one odd file."""

    name: ClassVar[str] = "odd-report"
    makes: ClassVar[Any] = None

    def report(self, *arguments: Any) -> Any:
        yield RenderedFile("first.txt", b"first", "text/plain")
        made = type(self).makes
        yield made(arguments[2]) if callable(made) else made


registry.register(OddReport())


@pytest.mark.parametrize(
    "made",
    [
        *(RenderedFile(name, b"x", "text/plain") for name in ("", "../../x", "a\x00", "x" * 2000)),
        *(RenderedFile(name, b"x", "text/plain") for name in ("\udce9", "manifest.json")),
        RenderedFile("SUCCEEDED-00000.jsonl", b"x", "text/plain"),
        RenderedFile("a", b"x", "text/plain\nX-Odd: y"),
        RenderedFile("a", b"x", "text/caf\xe9"),
        RenderedFile("a", "text", "text/plain"),  # type: ignore[arg-type]
        RenderedFile("a", b"x", "text/plain", "many"),  # type: ignore[arg-type]
        None,
        "text",
        lambda files: files.read_result("none-such"),
    ],
)
def test_an_odd_file_of_a_report_fails_the_run_by_name_and_loses_no_other(
    made: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(OddReport, "makes", made)
    run = LocalRun(inline(items(3), "odd-report", parameters={"raises": "x"}))
    end = run.run()
    assert (end.outcome, end.items.succeeded) == ("failed", 3)
    assert end.error is not None and "cannot make its files" in end.error
    assert [file.name for file in run.manifest().files] == ["first.txt", "SUCCEEDED-00000.jsonl"]
    assert sum(outcome.count for outcome in run.outcomes()) == 3


@pytest.mark.parametrize("max_bytes", [1, 10**6])
def test_partials_that_cannot_be_merged_fail_the_run_by_name_and_a_redrive_merges_them(
    max_bytes: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = LocalRun(inline(items(40), "hostile-merge", **ONES), max_bytes=max_bytes)
    end = run.run()
    assert (end.outcome, end.items.succeeded) == ("failed", 40)
    assert end.error is not None and "no sum of caf\\udce9" in end.error
    assert sum(outcome.count for outcome in run.outcomes()) == 40
    monkeypatch.setattr(HostileMerge, "is_mended", True)
    assert run.redrive().outcome == "succeeded"
    assert from_json(run.files.read(blob_paths.result_path(RUN_ID, "sum.json"))) == sum(range(40))
