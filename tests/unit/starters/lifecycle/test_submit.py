import json
import re

import pytest

from fanout.adapters.rows.rows import Rows
from fanout.adapters.run_files.files import RunFiles
from fanout.errors import InvalidRequestError, RunConflictError
from fanout.models.request import RunRequest
from fanout.naming import instance_ids
from starters.api.problems import RequestTooLargeError
from starters.lifecycle.submit import check_request, claim, identified, parse_request, schema_of
from tests.support.doubles.memory_store import MemoryStore
from tests.support.workloads import probe_workloads

LIMIT = 1_000
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


def body(document: object) -> bytes:
    return json.dumps(document).encode()


def test_a_body_becomes_a_request():
    assert parse_request(body(SUM), LIMIT) == request()


@pytest.mark.parametrize(
    ("text", "says"),
    [
        (b"", "EOF"),
        (b'{"workload": }', "line 1 column 14"),
        (b'{\n  "workload": "a",\n}', "line 3 column 1"),
        (b"\xff", "line 1 column 1"),
        (b'{"max_items": NaN}', "line 1 column"),
        (b"[" * 500, "recursion"),
        (b"[]", "no JSON object"),
        (b'"text"', "no JSON object"),
    ],
)
def test_a_body_that_is_no_json_object_is_refused_with_the_place(text: bytes, says: str):
    with pytest.raises(InvalidRequestError) as invalid:
        parse_request(text, LIMIT)
    (found,) = invalid.value.problems
    assert found.field == "body"
    assert says in found.message


def test_a_body_over_the_limit_is_refused_with_both_sizes():
    with pytest.raises(RequestTooLargeError, match="has 1001 bytes; this app accepts 1000"):
        parse_request(b" " * 1_001, LIMIT)


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


def test_the_first_claim_of_a_run_id_wins(files: RunFiles, to: Rows):
    first = claim(request(run_id="mine"), files, to)
    again = claim(request(run_id="mine"), files, to)
    assert (first.is_new, again.is_new) == (True, False)
    assert files.request("mine") == request(run_id="mine")


def test_another_request_under_the_same_id_is_a_conflict(files: RunFiles, to: Rows):
    claim(request(run_id="mine"), files, to)
    with pytest.raises(RunConflictError, match="mine"):
        claim(request(run_id="mine", max_items=5), files, to)
    assert files.request("mine").max_items is None


def test_a_default_written_out_is_the_same_request(files: RunFiles, to: Rows):
    claim(request(run_id="mine"), files, to)
    assert not claim(request(run_id="mine", retry={"max_attempts": 4}), files, to).is_new


def test_an_idempotency_key_always_gives_the_same_run_id():
    first, again = identified(request(), "order 7"), identified(request(), "order 7")
    assert first.run_id == again.run_id
    assert identified(request(), "order 8").run_id != first.run_id
    assert instance_ids.is_run_id(str(first.run_id))


def test_a_run_id_of_the_callers_own_goes_before_the_key():
    assert identified(request(run_id="mine"), "order 7").run_id == "mine"


def test_a_generated_run_id_tells_workload_and_time():
    generated = {str(identified(request(), None).run_id) for _ in range(50)}
    assert len(generated) == 50
    assert all(re.fullmatch(r"sum-\d{8}T\d{6}-[0-9a-f]{8}", run_id) for run_id in generated)


def test_a_workload_is_described_by_its_schemas():
    described = schema_of("sum")
    assert described["parameters"]["properties"].keys() == {"column", "fail_attempts", "permanent"}
    assert described["items"]["type"] == "object"
