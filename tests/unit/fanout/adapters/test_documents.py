"""Documents carry the version of their form; another is refused by name, and not misread."""

import json
from random import Random
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import BaseModel, ConfigDict

from fanout.adapters.documents import read_document, write_document
from fanout.adapters.rows.rows import pack_model, unpack_model
from fanout.adapters.tables import Row
from fanout.errors import UnreadableDocumentError
from fanout.governor.run_state import RunState
from tests.support.hostile.damages import DAMAGES

NAME = "r/plan/manifest.json"
JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**60), 2**60) | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=9), inner),
    max_leaves=8,
)


class Strict(BaseModel):
    """A model that refuses what it does not know, as a request does."""

    model_config = ConfigDict(extra="forbid")
    value: Any = None


class Nothing(BaseModel):
    """A model without fields."""

    model_config = ConfigDict(extra="forbid")


@given(JSON)
def test_what_is_written_is_read_and_says_its_version(value: Any):
    data = write_document(Strict(value=value))
    assert json.loads(data) == {"version": 1, "value": value}
    assert read_document(Strict, data, NAME) == Strict(value=value)


@given(JSON)
def test_what_earlier_versions_wrote_is_read(value: Any):
    assert read_document(Strict, json.dumps({"value": value}).encode(), NAME).value == value
    inner = {"value": {"version": value}}
    assert read_document(Strict, json.dumps(inner).encode(), NAME).value == inner["value"]


@pytest.mark.parametrize("form", [{}, {"indent": 2}, {"separators": (",", ":")}])
def test_it_may_be_written_in_another_order_and_with_spaces(form: Any):
    data = json.dumps({"value": [1], "version": 1}, **form).encode()
    assert read_document(Strict, data, NAME) == Strict(value=[1])
    data = json.dumps({"version": 1, "value": [1]}, **form).encode()
    assert read_document(Strict, data, NAME) == Strict(value=[1])


def test_a_model_without_fields_is_a_document_too():
    assert read_document(Nothing, write_document(Nothing()), NAME) == Nothing()


@pytest.mark.parametrize("version", [0, 2, 12, 1.5, "1", None, True, [1], -1])
def test_another_version_is_refused_by_name(version: Any):
    for data in ({"version": version, "value": 1}, {"value": 1, "version": version}):
        for form in (None, (",", ":")):
            with pytest.raises(UnreadableDocumentError, match=NAME) as refused:
                read_document(Strict, json.dumps(data, separators=form).encode(), NAME)
            assert f"version {version}" in str(refused.value)


@pytest.mark.parametrize("damage", DAMAGES.values(), ids=DAMAGES)
def test_what_is_damaged_is_refused_by_name(damage: Any):
    class Model(BaseModel):
        first: int
        second: str

    whole = Model(first=1, second="ab")
    for seed in range(20):
        data = damage(write_document(whole), Random(seed))
        try:
            read_document(Model, data, NAME)
        except UnreadableDocumentError as error:
            assert error.name == NAME
            assert str(error).isprintable()
            str(error).encode()


def test_what_is_wrong_is_said_by_field_and_without_what_is_in_it():
    with pytest.raises(UnreadableDocumentError, match=NAME) as refused:
        read_document(Strict, b'{"first": "secret"}', NAME)
    assert "first: " in str(refused.value)
    assert "secret" not in str(refused.value)


@pytest.mark.parametrize("version", [2, "1", None, True])
def test_a_row_of_another_version_is_refused(version: Any):
    values = pack_model(RunState())
    assert values["version"] == 1
    assert unpack_model(Row(values, "e"), RunState) == RunState()
    with pytest.raises(UnreadableDocumentError, match=f"RunState.*version {version}"):
        unpack_model(Row(values | {"version": version}, "e"), RunState)


@pytest.mark.parametrize("text", ["", "{", "[]", '{"phase": 7}', 7, True, b"{}"])
def test_a_row_that_is_damaged_is_refused(text: Any):
    with pytest.raises(UnreadableDocumentError, match="a row of RunState"):
        unpack_model(Row({"json0": text}, "e"), RunState)
