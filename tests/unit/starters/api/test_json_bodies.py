"""Whatever is in the files of a run, an answer is JSON."""

import json
from http import HTTPStatus
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fanout.errors import FieldProblem
from fanout.models.request import RunRequest
from starters.api.json_bodies import write_json
from starters.api.problems import problem
from starters.api.shell import answer

VALUES = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.text(st.characters(exclude_categories=())),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=12,
)


def read(data: bytes) -> Any:
    def refuse(name: str) -> Any:
        raise AssertionError(f"{name} is no JSON")

    return json.loads(data.decode(), parse_constant=refuse)


@given(VALUES)
def test_any_value_is_written_as_json(value: Any):
    read(write_json(value))


def test_numbers_that_json_has_not_are_null():
    item = {"output": {"n": float("inf"), "m": [float("nan"), 1.5]}}
    assert read(answer({"items": [item]}).get_body()) == {
        "items": [{"output": {"n": None, "m": [None, 1.5]}}]
    }


def test_an_integer_beyond_64_bits_stays_whole():
    assert write_json({"n": 2**64 + 1}) == b'{"n":18446744073709551617}'


def test_surrogates_are_escapes_in_answers_and_in_problems():
    assert read(write_json({"caf\udce9": ["\ud83d"]})) == {"caf\\udce9": ["\\ud83d"]}
    made = problem(HTTPStatus.BAD_REQUEST, "x", "caf\udce9", [FieldProblem("a\udce9", "b")])
    assert read(made.get_body())["errors"] == [{"field": "a\\udce9", "message": "b"}]


@pytest.mark.parametrize("value", [float("nan"), "caf\udce9"])
def test_a_model_that_holds_such_a_value_is_json_too(value: Any):
    source = {"kind": "inline", "items": [value, 2**70]}
    request = RunRequest.model_validate({"workload": "w", "source": source})
    items = read(write_json(request))["source"]["items"]
    assert items == [None if value != value else "caf\\udce9", 2**70]
