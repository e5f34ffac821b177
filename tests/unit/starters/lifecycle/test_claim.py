"""The id of a run: whose it is, and who claims it."""

import re

import pytest

from fanout.adapters.rows.rows import Rows
from fanout.adapters.run_files.files import RunFiles
from fanout.errors import InvalidRequestError, RunConflictError
from fanout.models.request import RunRequest
from fanout.naming import instance_ids
from starters.lifecycle.claim import KEY_PATTERN, add_run_id, claim_run
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


@pytest.mark.parametrize(
    ("key", "fault"),
    [
        ("", "empty"),
        ("  ", "empty"),
        ("clé", r"U\+00E9"),
        ("caf\udce9", r"U\+DCE9"),
        ("a\tb", r"U\+0009"),
        ("a\x00b", r"U\+0000"),
        ("a\x7fb", r"U\+007F"),
        ("k" * 1025, "1025 characters"),
        ("one,two", "more than once"),
    ],
)
def test_a_key_that_a_header_does_not_carry_safely_is_refused_by_name(key: str, fault: str):
    for given in (request(), request(run_id="mine")):
        with pytest.raises(InvalidRequestError, match=fault) as refused:
            add_run_id(given, key)
        assert [problem.field for problem in refused.value.problems] == ["Idempotency-Key"]
    assert re.fullmatch(KEY_PATTERN, key) is None or len(key) > 1024


def test_the_first_claim_of_a_run_id_wins(files: RunFiles, rows: Rows):
    first = claim_run(request(run_id="mine"), files, rows)
    again = claim_run(request(run_id="mine"), files, rows)
    assert (first, again) == (files.find_claim("mine"), None)
    assert files.request("mine") == request(run_id="mine")


def test_another_request_under_the_same_id_is_a_conflict(files: RunFiles, rows: Rows):
    claim_run(request(run_id="mine"), files, rows)
    with pytest.raises(RunConflictError, match="mine"):
        claim_run(request(run_id="mine", max_items=5), files, rows)
    assert files.request("mine").max_items is None


def test_a_default_written_out_is_the_same_request(files: RunFiles, rows: Rows):
    claim_run(request(run_id="mine"), files, rows)
    assert not claim_run(request(run_id="mine", retry={"max_attempts": 4}), files, rows)


def test_an_idempotency_key_always_gives_the_same_run_id():
    first, again = add_run_id(request(), "order 7"), add_run_id(request(), "order 7")
    assert first.run_id == again.run_id
    assert add_run_id(request(), "order 8").run_id != first.run_id
    assert instance_ids.is_run_id(str(first.run_id))


def test_a_run_id_of_the_callers_own_goes_before_the_key():
    assert add_run_id(request(run_id="mine"), "order 7").run_id == "mine"


def test_a_generated_run_id_tells_workload_and_time():
    generated = {str(add_run_id(request(), None).run_id) for _ in range(50)}
    assert len(generated) == 50
    assert all(re.fullmatch(r"sum-\d{8}T\d{6}-[0-9a-f]{8}", run_id) for run_id in generated)
