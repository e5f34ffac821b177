"""The end of a small run: few requests, and one end with the results of it, whatever happens."""

import contextlib
from dataclasses import replace
from functools import partial
from itertools import count
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

import activities.endings.finish as finishing
from activities.endings.end_at_once import end_at_once
from activities.endings.finish import finish_attempt
from activities.endings.known_run import KnownRun, may_end_at_once
from fanout.adapters.rows.attempts import AttemptRows
from fanout.adapters.rows.open_runs import open_attempts
from fanout.adapters.rows.places import change_places
from fanout.adapters.run_files.files import RunFiles, forget_kept
from fanout.errors import AttemptOverError
from fanout.governor import control_rules
from fanout.governor.run_state import ControlState, GovernorState
from fanout.messages.ending import EndedRun, SettleResult
from fanout.messages.run import RunEnd
from fanout.models.limits import LimitsChange
from fanout.models.request import Tolerance
from fanout.naming import blob_paths
from tests.support.doubles.counting import CountingStore, CountingTables
from tests.support.doubles.crashes import (
    DeathError,
    DyingStore,
    DyingTables,
    Fuse,
    ShareableTables,
    Stops,
)
from tests.support.replays.ending_runs import AT, EndingRun
from tests.support.replays.local_runs import RUN_ID
from tests.support.workloads.hostile_workloads import HostileReport

TOLERANT = {"percentage": 100}
PAIRS = {"batch": {"max_items": 5}}
pytestmark = pytest.mark.usefixtures("lone_runs")


def places(scene: EndingRun) -> list[str]:
    return change_places(scene.rows, lambda state: (state, [*state.running]))


def counted(**more: Any) -> tuple[EndingRun, list[str]]:
    """A run that is to be settled, and the requests that are made from then on."""
    requests: list[str] = []
    scene = EndingRun(CountingStore(requests), CountingTables(requests), **more)
    requests.clear()
    return scene, requests


END = [
    "POST r!a1 control run s00",
    "GET !admission places",
    "POST !admission places",
    "POST !runs i o",
]


def named(requests: list[str]) -> list[str]:
    """The requests, without the moments in the keys of the index, in an order that is the same."""
    short = [
        "POST !runs i o" if request.startswith("POST !runs") else request for request in requests
    ]
    return sorted(short)


def test_of_a_run_that_is_known_nothing_is_read_and_its_rows_are_written_once() -> None:
    scene, requests = counted(tolerance=TOLERANT)
    known = scene.know()
    requests.clear()
    forget_kept()
    assert scene.settle_and_end(known).end is not None
    written = [
        "PUT r/results/SUCCEEDED-00000.jsonl",
        "PUT r/results/FAILED-00000.jsonl",
        "PUT r/results/DEAD-LETTERS-00000.jsonl",
        "PUT r/results/manifest.json",
        "PUT r/summary.json",
    ]
    # Dead letters have the items themselves, which are in the source: the request, here.
    assert named(requests) == sorted([*END, *written, "GET r/plan/manifest.json"])
    scene.insist_on_results()
    assert places(scene) == [] and open_attempts(scene.rows) == []


def test_where_all_succeed_it_takes_a_result_file_a_manifest_a_summary_and_the_rows() -> None:
    scene, requests = counted(fails=())
    known = scene.know()
    requests.clear()
    forget_kept()
    end = scene.settle_and_end(known).end
    assert end is not None and end.outcome == "succeeded"
    written = ["SUCCEEDED-00000.jsonl", "manifest.json"]
    assert named(requests) == sorted(
        [*END, *(f"PUT r/results/{name}" for name in written), "PUT r/summary.json"]
    )


def test_what_is_not_known_is_read_once() -> None:
    scene, requests = counted(fails=(), **PAIRS)
    forget_kept()
    assert scene.settle_and_end().end is not None
    read = [
        "QUERY r!a1",
        "LIST r/parts/",
        "GET r/request.json",
        "GET r/plan/manifest.json",
        "GET r/parts/a1-p00000-r0-b0000.jsonl",
        "GET r/parts/a1-p00000-r0-b0001.jsonl",
    ]
    written = ["SUCCEEDED-00000.jsonl", "manifest.json"]
    assert named(requests) == sorted(
        [*END, *read, *(f"PUT r/results/{name}" for name in written), "PUT r/summary.json"]
    )
    scene.insist_on_results()


def test_a_run_that_is_not_small_is_read_once_all_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("activities.endings.known_run.SMALL_BYTES", 0)
    scene, requests = counted(fails=())
    assert scene.settle_and_end().end is not None
    read = ["QUERY r!a1", "LIST r/parts/", "GET r/parts/a1-p00000-r0-b0000.jsonl"]
    # The verdict is written before the results, the end after them.
    rows = ["QUERY r!a1", "POST r!a1 control run s00", "POST r!a1 run", *END[1:]]
    written = ["SUCCEEDED-00000.jsonl", "manifest.json"]
    assert named(requests) == sorted(
        [*read, *rows, *(f"PUT r/results/{name}" for name in written), "PUT r/summary.json"]
    )
    scene.insist_on_results()


@pytest.mark.parametrize("is_known", [False, True])
def test_known_or_read_it_ends_alike(is_known: bool) -> None:
    scene = EndingRun(tolerance=TOLERANT, lost=1, **PAIRS)
    settled = scene.settle_and_end(scene.know() if is_known else None)
    assert settled.end is not None
    items = settled.end.items
    assert (items.total, items.succeeded, items.failed, items.pending) == (10, 2, 3, 5)
    assert (settled.end.outcome, scene.state.phase) == ("failed", "done")
    assert scene.state.run.end == settled.end and scene.state.run.is_announced
    assert scene.state.control.is_closed
    assert scene.state.shards["s00"].reason == "done"
    scene.insist_on_results()


@pytest.mark.parametrize(
    "asked",
    [
        {"results": {"compression": "gzip"}},
        {"results": {"format": "parquet"}},
        {"lost": 1, **PAIRS},
        {"workload": "sum", "parameters": {"column": "id"}, "fails": (), **PAIRS},
        {"workload": HostileReport.name, "parameters": {"raises": "surrogate"}, "fails": ()},
    ],
)
def test_its_results_are_those_that_a_fan_in_writes(asked: dict[str, Any]) -> None:
    def written(scene: EndingRun) -> dict[str, bytes]:
        files = scene.run.files
        paths = [*files.names(f"{RUN_ID}/results/"), blob_paths.summary_path(RUN_ID)]
        return {path: files.read(path) for path in paths}

    wanted, ended = (EndingRun(tolerance=TOLERANT, **asked) for _ in range(2))
    for path in wanted.run.files.names(f"{RUN_ID}/parts/"):  # how long items took may differ
        beside = wanted.run.store.properties("runs", path)
        assert beside is not None
        data = wanted.run.files.read(path)
        ended.run.files.write(path, data, metadata=beside.metadata)
    wanted.run.finalize()
    assert ended.settle_and_end(ended.know()).end is not None
    assert written(ended) == written(wanted)
    assert len(written(ended)) >= 3


def test_a_later_attempt_is_not_ended_so_for_it_replaces_what_the_one_before_has_left() -> None:
    scene, requests = counted(tolerance=TOLERANT)
    known, ask = scene.know(), scene.ask(attempt=2)
    requests.clear()
    assert end_at_once(ask, scene.run.files, scene.rows, known, 10**9) is None
    assert requests == []


def test_a_run_that_compensates_is_not_ended() -> None:
    scene = EndingRun(on_exceeded="compensate")
    settled = scene.settle_and_end(scene.know())
    assert settled.verdict.compensates and settled.end is None and settled.layout is None
    assert not scene.run.files.exists(blob_paths.results_manifest_path(RUN_ID))
    assert scene.state.phase == "compensating"


def test_batches_of_several_ranges_are_left_to_the_ordinary_way() -> None:
    """The names of result files follow from the ranges, whoever writes them."""
    scene, requests = counted(fails=(), **PAIRS)
    known = scene.know()
    size = max(len(batch.lines) for batch in known.batches)
    requests.clear()
    assert end_at_once(scene.ask(), scene.run.files, scene.rows, known, size) is None
    assert requests == []
    assert end_at_once(scene.ask(), scene.run.files, scene.rows, known, 2 * size) is not None


def test_whoever_has_written_no_row_yet_does_not_end_the_run_at_once() -> None:
    """A deletion meanwhile would not be seen: new rows would be those of a run that is gone."""
    scene, requests = counted(tolerance=TOLERANT)
    known = replace(scene.know(), before=AttemptRows(GovernorState(), {}))
    requests.clear()
    assert end_at_once(scene.ask(), scene.run.files, scene.rows, known, 10**9) is None
    assert requests == []


def test_where_somebody_listens_the_end_is_announced_before_the_attempt_is_closed(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    scene = EndingRun(fails=())
    heard: list[tuple[EndedRun, bool]] = []

    def announce(ending: EndedRun, files: RunFiles) -> None:
        heard.append((ending, scene.state.is_over))
        assert [one.run_id for one in open_attempts(scene.rows)] == [RUN_ID]

    monkeypatch.setattr(finishing, "messaging", object)
    monkeypatch.setattr(finishing, "announce", announce)
    end = scene.settle_and_end(scene.know()).end
    assert [(one.end, is_over) for one, is_over in heard] == [(end, True)]
    assert scene.state.run.is_announced
    assert open_attempts(scene.rows) == []


@pytest.mark.parametrize("is_known", [False, True])
@pytest.mark.parametrize("is_made", [False, True])
@pytest.mark.parametrize("is_known_again", [False, True])
def test_wherever_it_dies_the_next_execution_ends_it(
    is_known: bool, is_made: bool, is_known_again: bool
) -> None:
    for number in count():
        fuse = Fuse()
        scene = EndingRun(DyingStore(fuse), DyingTables(fuse), tolerance=TOLERANT)
        known = scene.know() if is_known else None
        fuse.left, fuse.is_made = number, is_made
        try:
            scene.settle_and_end(known)
        except DeathError:
            again = scene.settle_and_end(scene.know() if is_known_again and may(scene) else None)
            insist_on_end(scene, [again])
            assert again.end is not None and again.end.outcome == "partially_succeeded"
        else:
            break
    assert number >= 8


def may(scene: EndingRun) -> bool:
    """Whether an execution that begins now may know all, and have nothing decided."""
    return may_end_at_once(scene.ask(), scene.state)


def insist_on_end(scene: EndingRun, answers: list[SettleResult]) -> None:
    """Everybody has heard of one end, all is done that follows, and the results are of it."""
    end = scene.state.run.end
    assert end is not None
    assert [answer.end for answer in answers] == [end] * len(answers)
    assert places(scene) == [] and open_attempts(scene.rows) == []
    if not end.is_forced:
        scene.insist_on_results()


class Meddlers:
    """What may happen while a run is settled: another execution, or people who want something."""

    def __init__(self, lost: int) -> None:
        self._stops = Stops()
        self.scene = EndingRun(
            DyingStore(self._stops),
            ShareableTables(self._stops),
            lost=lost,
            tolerance=TOLERANT,
            **PAIRS,
        )
        self.answers: list[SettleResult] = []
        self._stale = self.scene.know()

    def settle(self, stops: list[tuple[int, str]], *, is_known: bool) -> None:
        """Settle the run, meanwhile let these things happen, and settle it again."""
        self._stops.set((number, partial(self._meddle, name)) for number, name in stops)
        self._execute(self._stale if is_known else None)
        self._stops.set([])
        self._execute(None)

    def _meddle(self, name: str) -> None:
        match name:
            case "execution":
                self._execute(None)
            case "execution that knows":
                self._execute(self._stale)
            case "death":
                raise DeathError
            case "cancel":
                self.scene.control(control_rules.cancel)
            case "limits":
                self.scene.control(tolerate_none)
            case "force":
                end = RunEnd(outcome="failed", at=AT, is_forced=True)
                ask = EndedRun(run_id=RUN_ID, claim=self.scene.claim, end=end)
                finish_attempt(ask, self.scene.rows)

    def _execute(self, known: KnownRun | None) -> None:
        with contextlib.suppress(DeathError):
            self.answers.append(self.scene.settle_and_end(known))


def tolerate_none(known: ControlState) -> ControlState:
    return control_rules.change_limits(known, LimitsChange(tolerance=Tolerance()))


NAMES = ["execution", "execution that knows", "death", "cancel", "limits", "force"]
STOPS = st.lists(st.tuples(st.integers(0, 10), st.sampled_from(NAMES)), max_size=4)


@given(lost=st.integers(0, 1), is_known=st.booleans(), stops=STOPS)
def test_whatever_happens_meanwhile_there_is_one_end_and_the_results_are_of_it(
    lost: int, is_known: bool, stops: list[tuple[int, str]]
) -> None:
    forget_kept()
    meddlers = Meddlers(lost)
    meddlers.settle(stops, is_known=is_known)
    insist_on_end(meddlers.scene, meddlers.answers)
    insist_on_wishes(meddlers.scene, lost)


def insist_on_wishes(scene: EndingRun, lost: int) -> None:
    """What people asked for before it was decided has been done."""
    run, control = scene.state.run, scene.state.control
    assert run.end is not None
    if run.end.is_forced:
        return
    assert run.verdict is not None and control.is_closed
    assert run.verdict.is_cancelled == control.is_cancelled
    if run.verdict.is_cancelled and lost:
        assert run.end.outcome == "cancelled"
    elif run.verdict.tolerance == Tolerance() or lost:
        assert run.end.outcome == "failed"
    else:
        assert run.end.outcome == "partially_succeeded"


@pytest.mark.parametrize("has_ended", [False, True])
@pytest.mark.parametrize("number", range(6))
def test_what_comes_late_of_a_run_that_was_deleted_spoils_no_other_of_its_id(
    number: int, has_ended: bool
) -> None:
    """It is deleted before one of the writes of its end, and its id is used again."""
    stops = Stops()
    scene = EndingRun(DyingStore(stops), ShareableTables(stops), tolerance=TOLERANT)
    others: list[EndingRun] = []

    def use_again() -> None:
        delete(scene)
        others.append(EndingRun(scene.run.store, scene.tables, fails=()))
        if has_ended:
            others[-1].settle_and_end()

    stops.set([(number, use_again)])
    with pytest.raises(AttemptOverError):
        scene.settle_and_end(scene.know())
    (other,) = others
    end = other.settle_and_end().end
    assert end is not None and end.outcome == "succeeded"
    other.insist_on_results()


@pytest.mark.parametrize("is_known", [False, True])
@pytest.mark.parametrize("number", range(6))
def test_what_comes_late_of_a_run_that_was_deleted_leaves_no_row(
    number: int, is_known: bool
) -> None:
    stops = Stops()
    scene = EndingRun(DyingStore(stops), DyingTables(stops), tolerance=TOLERANT)
    known = scene.know() if is_known else None
    stops.set([(number, lambda: delete(scene))])
    with pytest.raises(AttemptOverError):
        scene.settle_and_end(known)
    assert [*scene.tables.rows(scene.rows.table)] == []


def delete(scene: EndingRun) -> None:
    """What a deletion leaves of a run: nothing."""
    for name in [*scene.run.files.names(f"{RUN_ID}/")]:
        scene.run.files.delete(name)
    for partition, key, _ in [*scene.tables.rows(scene.rows.table)]:
        scene.rows.delete(partition, [key])
    forget_kept()
