"""A request that cannot succeed is refused, and every problem is named."""

from typing import Any

import pytest

from fanout.adapters.run_files.files import RunFiles
from fanout.errors import InvalidRequestError
from fanout.models.request import RunRequest
from starters.lifecycle.check import check_request
from tests.support.doubles.memory_store import MemoryStore
from tests.support.workloads import probe_workloads

CSV = {"kind": "csv", "container": "inbox", "blob": "rows.csv"}
SUM = {"workload": probe_workloads.Sum.name, "source": CSV, "parameters": {"column": "n"}}


@pytest.fixture
def files() -> RunFiles:
    store = MemoryStore()
    store.write("inbox", "rows.csv", b"n,text\n1,a\n")
    return RunFiles(store, "runs")  # type: ignore[arg-type]  # the double of it


def request(**more) -> RunRequest:
    return RunRequest.model_validate(SUM | more)


def refused(files: RunFiles, **more) -> dict[str, str]:
    with pytest.raises(InvalidRequestError) as invalid:
        check_request(request(**more), files)
    return {p.field: p.message for p in invalid.value.problems}


def test_a_sound_request_is_accepted(files: RunFiles):
    check_request(request(), files)


def test_an_unknown_workload_is_refused_naming_the_known_ones(files: RunFiles):
    (found,) = refused(files, workload="nothing").items()
    assert found[0] == "workload"
    assert "'nothing'" in found[1] and "probe" in found[1] and "sum" in found[1]


def test_a_missing_blob_is_refused(files: RunFiles):
    (found,) = refused(files, source=CSV | {"blob": "other.csv"}).items()
    assert found[0] == "source.blob" and "other.csv" in found[1]


def test_an_unknown_column_is_refused_naming_the_columns_there_are(files: RunFiles):
    (found,) = refused(files, parameters={"column": "m"}).items()
    assert found[0] == "parameters.column" and "n, text" in found[1]


ROWS = [{"carrier": "UA", "delay": 1}, {"carrier": "AA"}]
INLINE = {"kind": "inline", "items": ROWS}


@pytest.mark.parametrize(
    ("field", "parameters"),
    [
        ("parameters.group_by[0]", {"group_by": ["carier"]}),
        ("parameters.metrics.carier", {"metrics": {"carier": ["count"]}}),
        ("parameters.filter[0].column", {"filter": [{"column": "carier", "op": "not_null"}]}),
    ],
)
@pytest.mark.parametrize(
    "source",
    [
        INLINE,
        {"kind": "listing", "container": "sets", "read": "csv"},
        {"kind": "listing", "container": "sets", "read": {"kind": "csv", "header": ["carrier"]}},
        {"kind": "manifest", "container": "lists", "blob": "names", "read": "csv"}
        | {"items_container": "sets"},
    ],
    ids=["inline", "listing", "header", "manifest"],
)
def test_a_mistyped_column_is_refused_before_anything_starts(
    files: RunFiles, source: dict[str, Any], field: str, parameters: dict[str, Any]
):
    files.store.write("sets", "1.csv", b"carrier,delay\nUA,1\n")
    files.store.write("sets", "2.csv", b"carrier,origin\nUA,1\n")
    files.store.write("lists", "names", b'"1.csv"\n')
    (found,) = refused(files, workload="reports", source=source, parameters=parameters).items()
    assert found[0] == field
    assert "no column 'carier'" in found[1]
    assert found[1].endswith("did you mean 'carrier'?")


def test_a_path_of_the_selection_that_begins_with_no_column_is_refused(files: RunFiles):
    for source in (INLINE, CSV):
        select = {"m": {"path": "carier.code"}, "n": {"const": 1}, "o": {"path": "0"}}
        found = refused(files, source=source, select=select)
        assert "select.m.path" in found
        assert "select.o.path" not in found
    assert refused(files, source=INLINE, select={"m": {"path": "carier"}})[
        "select.m.path"
    ].endswith("did you mean 'carrier'?")


def test_a_column_that_the_selection_adds_is_known(files: RunFiles):
    select = {"m": {"path": "n"}}
    chosen = RunRequest.model_validate(
        {"workload": "sum", "source": CSV, "parameters": {"column": "m"}, "select": select}
    )
    check_request(chosen, files)


def test_problems_of_every_kind_are_named_together(files: RunFiles):
    found = refused(files, source=CSV | {"blob": "no"}, parameters={"colour": 1})
    assert set(found) == {"source.blob", "parameters.column", "parameters.colour"}
    assert set(refused(files, source=CSV | {"blob": "no"}, workload="no")) == {
        "source.blob",
        "workload",
    }


@pytest.mark.parametrize(
    "answer",
    [["no"], [None], None, 7, [("parameters", "no")]],
    ids=["text", "None", "nothing", "7", "tuple"],
)
def test_an_answer_of_a_workload_that_names_no_problem_is_refused(
    files: RunFiles, monkeypatch: pytest.MonkeyPatch, answer: Any
):
    monkeypatch.setattr(probe_workloads.Sum, "check", lambda *arguments: answer)
    (found,) = refused(files).items()
    assert found[0] == "parameters"
    assert found[1].startswith("the workload 'sum' cannot check them: ")
