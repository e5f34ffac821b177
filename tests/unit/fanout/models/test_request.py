"""A request that makes no sense is refused by its field; what is left out has a known default."""

from typing import Any

import pytest
from pydantic import ValidationError

from fanout.models.request import RunRequest

SOURCE = {"kind": "inline", "items": []}


def request(**fields: Any) -> RunRequest:
    return RunRequest.model_validate({"workload": "sum", "source": SOURCE, **fields})


def test_what_is_left_out_is_as_the_page_says():
    left_out = request()
    assert (left_out.concurrency.batches, left_out.concurrency.items_per_second) == (64, None)
    assert left_out.batch is None
    assert left_out.retry.model_dump() == {
        "max_attempts": 4,
        "base_seconds": 1,
        "factor": 2,
        "max_seconds": 60,
        "jitter_seconds": 1,
    }
    assert left_out.tolerance.model_dump() == {"count": 0, "percentage": 0}
    assert (left_out.on_exceeded, left_out.dry_run) == ("stop", False)


@pytest.mark.parametrize(
    ("fields", "place"),
    [
        ({"colour": "red"}, ("colour",)),
        ({"batch": {"max_items": 0}}, ("batch", "max_items")),
        ({"batch": {"max_bytes": 65 * 1024 * 1024}}, ("batch", "max_bytes")),
        ({"concurrency": {"batches": 6401}}, ("concurrency", "batches")),
        ({"concurrency": {"items_per_second": 0}}, ("concurrency", "items_per_second")),
        ({"timeouts": {"item_seconds": 0}}, ("timeouts", "item_seconds")),
        ({"retry": {"max_attempts": 101}}, ("retry", "max_attempts")),
        ({"tolerance": {"percentage": 101}}, ("tolerance", "percentage")),
        ({"on_exceeded": "ignore"}, ("on_exceeded",)),
        ({"max_items": 0}, ("max_items",)),
    ],
)
def test_what_makes_no_sense_is_named_by_its_field(fields: Any, place: tuple[str, ...]):
    with pytest.raises(ValidationError) as refused:
        request(**fields)
    assert [error["loc"] for error in refused.value.errors()] == [place]


@pytest.mark.parametrize("run_id", ["", ".", "...", "a/b", "a b", "a:a2", "é", "a" * 101])
def test_a_run_id_names_a_folder_and_no_other_run(run_id: str):
    with pytest.raises(ValidationError):
        request(run_id=run_id)


@pytest.mark.parametrize("run_id", ["a", "A.b_c-9", "..a", "a" * 100])
def test_a_run_id_may_have_dots(run_id: str):
    assert request(run_id=run_id).run_id == run_id


def test_parquet_is_not_compressed_once_more():
    assert request(results={"format": "jsonl", "compression": "gzip"}).results.compression == "gzip"
    with pytest.raises(ValidationError, match="gzip is for jsonl"):
        request(results={"format": "parquet", "compression": "gzip"})
