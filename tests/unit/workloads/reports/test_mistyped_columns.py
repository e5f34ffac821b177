"""A column that no row has is a mistake, never a null group; one that some rows lack is none."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fanout.messages.run import RunEnd
from fanout.models.request import RunRequest
from fanout.models.status import ResultManifest
from tests.support.doubles.memory_store import MemoryStore
from tests.support.replays.local_runs import LocalRun

ROWS = [{"carrier": "UA", "delay": 1}, {"carrier": "AA"}, {"delay": 2}, {"carrier": None}]


def as_lines(rows: list[Any]) -> bytes:
    return b"".join(json.dumps(row).encode() + b"\n" for row in rows)


def run(
    source: dict[str, Any], store: MemoryStore, **parameters: Any
) -> tuple[RunEnd, ResultManifest]:
    """A run in batches of one item, worked off and finalized: its end and its results."""
    request = {"workload": "reports", "source": source, "parameters": parameters}
    local = LocalRun(RunRequest.model_validate(request | {"batch": {"max_items": 1}}), store)
    return local.run(), local.manifest()


def source_of(kind: str, store: MemoryStore, rows: list[Any]) -> dict[str, Any]:
    """A source of some kind that has these rows."""
    if kind == "inline":
        return {"kind": kind, "items": rows}
    place = {"container": "inbox", "blob": "rows"}
    lines = as_lines(rows)
    store.write("inbox", "rows", json.dumps(rows).encode() if kind == "json" else lines)
    if kind == "manifest":
        store.write("inbox", "list", b'"rows"\n')
        return {"kind": kind, "container": "inbox", "blob": "list", "read": "jsonl"}
    if kind == "listing":
        return {"kind": kind, "container": "inbox", "read": "jsonl"}
    return {"kind": kind} | place


KINDS = ["jsonl", "json", "inline", "listing", "manifest"]
WRONG: list[tuple[str, dict[str, Any]]] = [
    ("parameters.group_by[0]", {"group_by": ["carier"]}),
    ("parameters.group_by[0].column", {"group_by": [{"column": "carier", "every": "day"}]}),
    ("parameters.metrics.carier", {"metrics": {"carier": ["approx_distinct"]}}),
    ("parameters.filter[0].column", {"filter": [{"column": "carier", "op": "is_null"}]}),
    (
        "parameters.reports[0].where[0].column",
        {"reports": [{"name": "a", "where": [{"column": "carier", "op": "is_null"}]}]},
    ),
]


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize(("field", "parameters"), WRONG)
def test_a_column_that_no_row_has_fails_the_run_by_name(
    kind: str, field: str, parameters: dict[str, Any]
):
    store = MemoryStore()
    end, results = run(source_of(kind, store, ROWS), store, **parameters)
    assert end.outcome == "failed"
    assert end.error == (
        f"{field}: no row of the source has a column 'carier'; it has 'carrier', 'delay'; "
        "did you mean 'carrier'?"
    )
    assert not [file.name for file in results.files if file.name.startswith("report")]


@pytest.mark.parametrize("kind", KINDS)
def test_a_column_that_some_rows_lack_is_no_mistake(kind: str):
    store = MemoryStore()
    end, _ = run(
        source_of(kind, store, ROWS),
        store,
        group_by=["carrier"],
        metrics={"delay": ["sum"]},
    )
    assert (end.outcome, end.error) == ("succeeded", None)


def test_a_column_that_is_null_in_every_row_is_there():
    store = MemoryStore()
    rows = [{"carrier": None}, {"carrier": None}]
    end, _ = run(source_of("jsonl", store, rows), store, group_by=["carrier"])
    assert end.outcome == "succeeded"


@pytest.mark.parametrize("rows", [[], ["text", 5, [1]]])
def test_without_any_row_nothing_is_said_of_columns(rows: list[Any]):
    store = MemoryStore()
    end, _ = run(source_of("jsonl", store, rows), store, group_by=["carrier"])
    assert end.error is None or "column" not in end.error


keys = st.sampled_from(["a", "b", "c"])


@given(rows=st.lists(st.dictionaries(keys, st.just("x"), max_size=3), max_size=6), column=keys)
def test_a_run_succeeds_where_a_row_has_the_column_and_fails_by_name_where_none_has(rows, column):
    store = MemoryStore()
    end, _ = run(source_of("jsonl", store, rows), store, group_by=[column])
    is_there = not rows or any(column in row for row in rows)
    assert end.outcome == ("succeeded" if is_there else "failed")
    assert is_there or f"column '{column}'" in str(end.error)


@pytest.mark.parametrize("blobs_with_it", [0, 1])
def test_a_column_that_no_csv_of_a_large_set_has_fails_the_run(blobs_with_it: int) -> None:
    """More blobs than are looked at before the run; with all failures tolerated."""
    source = {"kind": "listing", "container": "inbox", "read": "csv"}
    fields = {"workload": "reports", "source": source, "tolerance": {"percentage": 100}}
    run = LocalRun(RunRequest.model_validate(fields | {"parameters": {"group_by": ["carier"]}}))
    for number in range(12):
        header = "carier" if number < blobs_with_it else "carrier"
        run.store.write("inbox", f"{number:02}.csv", f"{header}\nAA\nUA\n".encode())
    end = run.run()
    failures = [o for o in run.outcomes_now() if o.status == "failed"]
    assert sum(o.count for o in failures) == 2 * (12 - blobs_with_it)
    assert all(
        o.error and "no column 'carier'; did you mean 'carrier'?" in o.error.message
        for o in failures
    )
    if blobs_with_it:
        assert (end.outcome, end.items.succeeded) == ("partially_succeeded", 2)
    else:
        assert end.outcome == "failed"
        assert end.error is not None and end.error.startswith("parameters.group_by[0]: ")
