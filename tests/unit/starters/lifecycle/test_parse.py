"""A body becomes a model, or is refused with the place."""

import json

import pytest

from fanout.errors import InvalidRequestError
from fanout.models.request import RunRequest
from starters.lifecycle.parse import RequestTooLargeError, parse_body
from tests.support.workloads import probe_workloads

LIMIT = 1_000
CSV = {"kind": "csv", "container": "inbox", "blob": "rows.csv"}
SUM = {"workload": probe_workloads.Sum.name, "source": CSV, "parameters": {"column": "n"}}


def request(**more) -> RunRequest:
    return RunRequest.model_validate(SUM | more)


def body(document: object) -> bytes:
    return json.dumps(document).encode()


def test_a_body_becomes_a_request():
    assert parse_body(RunRequest, body(SUM), LIMIT) == request()


@pytest.mark.parametrize(
    ("text", "says"),
    [
        (b"", "EOF"),
        (b'{"workload": }', "line 1 column 14"),
        (b'{\n  "workload": "a",\n}', "line 3 column 1"),
        (b"\xff", "line 1 column 1"),
        (b"[" * 500, "recursion"),
        (b"[]", "no JSON object"),
        (b'"text"', "no JSON object"),
    ],
)
def test_a_body_that_is_no_json_object_is_refused_with_the_place(text: bytes, says: str):
    with pytest.raises(InvalidRequestError) as invalid:
        parse_body(RunRequest, text, LIMIT)
    (found,) = invalid.value.problems
    assert found.field == "body"
    assert says in found.message


def test_a_body_may_have_a_byte_order_mark():
    assert parse_body(RunRequest, b"\xef\xbb\xbf" + body(SUM), LIMIT) == request()


@pytest.mark.parametrize("field", ["max_items", "tolerance", "run_id", "parameters", "select"])
def test_a_number_that_json_has_not_is_refused_with_its_field(field: str):
    for text in ("NaN", "-1e400"):
        with pytest.raises(InvalidRequestError) as invalid:
            parse_body(RunRequest, body(SUM)[:-1] + f', "{field}": {text}}}'.encode(), LIMIT)
        assert [found.field for found in invalid.value.problems] == [field]


def test_a_body_over_the_limit_is_refused_with_both_sizes():
    with pytest.raises(RequestTooLargeError, match="has 1001 bytes; this app accepts 1000"):
        parse_body(RunRequest, b" " * 1_001, LIMIT)
