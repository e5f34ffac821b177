"""Whatever is wrong with one item is that item's outcome; its neighbours succeed, once each."""

import json
import threading
import time
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fanout.models.request import RunRequest
from tests.support.replays.local_runs import LocalRun
from tests.support.workloads.hostile_workloads import (
    ERRORS,
    FAILURES,
    HANGS,
    OUTPUTS,
    RELEASE,
    RUINS,
    SOUND,
)

SHAPES = ["hostile", "async-hostile"]
BAD = [
    *(f"raise:{name}" for name in ERRORS),
    *(f"return:{name}" for name in OUTPUTS),
    *(f"validator:{name}" for name in ERRORS),
    *(f"name:{name}" for name in ERRORS),
    "odd-name:",
]
BROKEN_LINES = [b'{"id":', b'{"id":1e400}', b'{"id":"caf\xe9"}', b'{"id":NaN}', b'"\\ud83d"', b"7"]


def run_lines(lines: list[bytes], workload: str, **more: Any) -> LocalRun:
    source = {"kind": "jsonl", "container": "inbox", "blob": "items.jsonl"}
    fields = {"workload": workload, "source": source, "retry": {"max_attempts": 2}} | more
    fields.setdefault("tolerance", {"percentage": 100})
    run = LocalRun(RunRequest.model_validate(fields))
    run.store.write("inbox", "items.jsonl", b"".join(line + b"\n" for line in lines))
    return run


def line_of(number: int, does: str) -> bytes:
    return json.dumps({"id": number, "does": does}).encode()


def count_threads() -> int:
    """Those that live, without those that wait for requests to be made side by side."""
    return sum(not thread.name.startswith("side-by-side") for thread in threading.enumerate())


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("does", BAD)
def test_a_bad_item_fails_by_name_and_its_neighbours_succeed(shape: str, does: str) -> None:
    threads = count_threads()
    run = run_lines([line_of(0, "ok"), line_of(1, does), line_of(2, "ok")], shape)
    end = run.run()
    first, bad, last = run.outcomes_now()
    assert (first.status, bad.status, last.status) == ("succeeded", "failed", "succeeded")
    assert (first.output, last.output) == (0, 2)
    assert bad.error is not None and bad.error.type
    assert end.outcome == "partially_succeeded"
    assert count_threads() == threads


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("name", SOUND)
def test_an_odd_output_that_json_has_is_kept(shape: str, name: str) -> None:
    run = run_lines([line_of(0, f"sound:{name}")], shape)
    assert run.run().outcome == "succeeded"
    (outcome,) = run.outcomes_now()
    assert outcome.output == SOUND[name][1]


@pytest.mark.parametrize("does", RUINS)
def test_an_item_that_ruins_the_event_loop_fails_alone(does: str) -> None:
    lines = [line_of(n, f"ruin:{does}" if n == 20 else "ok") for n in range(60)]
    run = run_lines(lines, "async-hostile")
    run.run()
    outcomes = run.outcomes_now()
    assert [o.index for o in outcomes if o.status != "succeeded"] == [20]
    assert outcomes[20].error is not None


@pytest.mark.parametrize("kind", HANGS)
def test_a_coroutine_that_cannot_be_cancelled_holds_up_nobody(kind: str) -> None:
    RELEASE.clear()
    loops = count_threads()
    lines = [line_of(0, "ok"), line_of(1, f"hang:{kind}"), line_of(2, "ok")]
    run = run_lines(lines, "async-hostile", timeouts={"item_seconds": 0.2})
    running = threading.Thread(target=run.run)
    running.start()
    running.join(timeout=20)
    has_ended = not running.is_alive()
    RELEASE.set()
    running.join()
    assert has_ended
    first, hanging, last = run.outcomes_now()
    assert (first.output, last.output) == (0, 2)
    if kind == "task":  # it is not the item's that was left behind
        assert hanging.output == 1
    else:
        assert hanging.error is not None and hanging.error.type == "ItemTimeoutError"
    deadline = time.monotonic() + 20
    while count_threads() > loops and time.monotonic() < deadline:
        time.sleep(0.01)
    assert count_threads() == loops


@settings(max_examples=40, deadline=None)
@given(
    shape=st.sampled_from(SHAPES),
    endings=st.lists(
        st.one_of(
            st.just("ok"), st.sampled_from(BAD), st.sampled_from(BROKEN_LINES), st.just("wrong")
        ),
        min_size=1,
        max_size=25,
    ),
    batch_items=st.integers(1, 30),
)
def test_any_mixture_of_items_has_an_outcome_for_each(
    shape: str, endings: list[str | bytes], batch_items: int
) -> None:
    """Bad at reading, at validating, while it is processed, and when its outcome is written."""
    lines = [
        ending
        if isinstance(ending, bytes)
        else line_of(n, ending)
        if ending != "wrong"
        else json.dumps({"id": "no number", "does": 5}).encode()
        for n, ending in enumerate(endings)
    ]
    run = run_lines(lines, shape, batch={"max_items": batch_items})
    end = run.run()
    outcomes = run.outcomes_now()
    assert [outcome.index for outcome in outcomes] == list(range(len(lines)))
    for ending, outcome in zip(endings, outcomes, strict=True):
        if ending == "ok":
            assert (outcome.status, outcome.output) == ("succeeded", outcome.index)
        else:
            assert outcome.status == "failed"
            assert outcome.error is not None and outcome.error.type
    good = endings.count("ok")
    assert (end.items.succeeded, end.items.failed) == (good, len(endings) - good)
    assert end.outcome == ("succeeded" if good == len(endings) else "partially_succeeded")
    assert end.items.pending == 0


@pytest.mark.parametrize("name", ERRORS)
def test_whatever_undoing_raises_is_that_item_s_outcome(name: str) -> None:
    lines = [line_of(0, f"undo:{name}"), line_of(1, "ok"), line_of(2, "raise:permanent-surrogate")]
    run = run_lines(lines, "hostile", on_exceeded="compensate", tolerance={"count": 0})
    run.work_off(run.plan())
    run.compensate()
    statuses = [outcome.status for outcome in run.outcomes_now()]
    assert statuses == ["compensation_failed", "compensated", "failed"]


@pytest.mark.parametrize("kind", ["jsonl", "json", "csv", "inline"])
def test_one_item_that_a_chunk_workload_cannot_bear_fails_alone(kind: str) -> None:
    values = [{"id": n, "does": "raise:exit" if n in (3, 40) else "ok"} for n in range(50)]
    run = chunk_run(values, kind)
    end = run.run()
    failed = [o.index for o in run.outcomes_now() for _ in range(o.count) if o.status == "failed"]
    assert failed == [3, 40]
    assert (end.items.succeeded, end.items.failed) == (48, 2)
    wanted = sum(n for n in range(50) if n not in (3, 40))
    assert json.loads(run.files.read("r/results/sum.json")) == wanted


@pytest.mark.parametrize("name", FAILURES)
def test_whatever_failure_a_chunk_workload_names_is_an_outcome(name: str) -> None:
    run = chunk_run(
        [{"id": n, "does": f"fail:{name}" if n == 3 else "ok"} for n in range(9)], "csv"
    )
    end = run.run()
    (failed,) = [outcome for outcome in run.outcomes() if outcome.status == "failed"]
    assert (failed.index, failed.count, end.items.succeeded) == (3, 1, 8)
    assert failed.error is not None and failed.error.type
    assert len(failed.error.message) <= 2000
    assert json.loads(run.files.read("r/results/sum.json")) == sum(range(9)) - 3


def test_an_item_that_spoils_the_partial_of_its_chunk_fails_alone() -> None:
    values = [{"id": n, "does": "spoil:" if n == 30 else "ok"} for n in range(50)]
    run = chunk_run(values, "jsonl")
    end = run.run()
    (failed,) = [outcome for outcome in run.outcomes() if outcome.status == "failed"]
    assert (failed.index, failed.count, end.items.succeeded) == (30, 1, 49)
    assert failed.error is not None and "dump_partial() gave NoneType" in failed.error.message
    assert json.loads(run.files.read("r/results/sum.json")) == sum(range(50)) - 30


@pytest.mark.parametrize("bad", [range(0, 8, 2), range(1, 200, 25), range(0, 40, 4), range(30)])
def test_items_all_over_a_chunk_that_it_cannot_bear_fail_alone(bad: range) -> None:
    values = [{"id": n, "does": "raise:exit" if n in bad else "ok"} for n in range(bad.stop + 2)]
    run = chunk_run(values, "jsonl")
    end = run.run()
    failed = [o.index for o in run.outcomes_now() for _ in range(o.count) if o.status == "failed"]
    assert sum(o.count for o in run.outcomes_now() if o.status == "failed") == len(failed)
    assert (end.items.succeeded, end.items.failed) == (len(values) - len(bad), len(bad))
    wanted = sum(n for n in range(bad.stop + 2) if n not in bad)
    assert json.loads(run.files.read("r/results/sum.json")) == wanted


def test_a_chunk_that_fails_in_every_part_is_refused_as_a_whole() -> None:
    values = [{"id": n, "does": "raise:exit"} for n in range(1000)]
    run = chunk_run(values, "jsonl")
    run.run()
    assert [(o.index, o.count, o.status) for o in run.outcomes_now()] == [(0, 1000, "failed")]


def chunk_run(values: list[dict[str, Any]], kind: str) -> LocalRun:
    more = {
        "workload": "hostile-sum",
        "tolerance": {"percentage": 100},
        "retry": {"max_attempts": 1},
    }
    more["batch"] = {"max_items": 1000}
    if kind == "inline":
        return LocalRun(
            RunRequest.model_validate({"source": {"kind": kind, "items": values}} | more)
        )
    source = {"kind": kind, "container": "inbox", "blob": "items"}
    run = LocalRun(RunRequest.model_validate({"source": source} | more))
    texts = {
        "jsonl": "".join(json.dumps(value) + "\n\n" for value in values),
        "json": json.dumps(values, indent=1),
        "csv": "id,does\r\n" + "".join(f'{v["id"]},"{v["does"]}"\r\n' for v in values),
    }
    run.store.write("inbox", "items", texts[kind].encode())
    return run
