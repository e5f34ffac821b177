"""What a run selects is merged into each item; an item without it is refused with its line."""

from typing import Any

import pytest
from pydantic import TypeAdapter

from fanout.models.outcome import ErrorInfo
from fanout.models.selection import Selection
from fanout.records import Record
from fanout.splitting.select import select

SELECTION = TypeAdapter(Selection)


def merge(value: Any, selection: dict[str, Any], *, line: int | None = 4) -> Record:
    records = [Record(index=7, line=line, value=value)]
    (record,) = select(records, SELECTION.validate_python(selection), "inbox/rows.csv")
    return record


@pytest.mark.parametrize(
    ("selector", "value"),
    [
        ({"const": {"any": ["json"]}}, {"any": ["json"]}),
        ({"const": None}, None),
        ({"index": True}, 7),
        ({"source": True}, "inbox/rows.csv"),
        ({"path": "a"}, {"b": [10, 11]}),
        ({"path": "a.b"}, [10, 11]),
        ({"path": "a.b.1"}, 11),
    ],
)
def test_a_selected_field_stands_beside_those_of_the_item(selector: Any, value: Any):
    item = {"a": {"b": [10, 11]}}
    assert merge(item, {"new": selector}).value == {**item, "new": value}


def test_a_selected_field_takes_the_place_of_one_of_the_same_name():
    assert merge({"id": "a", "n": 1}, {"n": {"const": 2}}).value == {"id": "a", "n": 2}


def test_the_item_itself_is_not_changed():
    item = {"n": 1}
    merge(item, {"n": {"const": 2}})
    assert item == {"n": 1}


@pytest.mark.parametrize("value", ["text", 5, None, [1, 2]])
def test_an_item_that_is_no_object_stands_under_value(value: Any):
    assert merge(value, {"n": {"const": 1}}).value == {"value": value, "n": 1}


@pytest.mark.parametrize("path", ["b", "a.c", "a.b.2", "a.b.x", "a.b.-1", "a.b.²", "a.b.0.c"])
def test_an_item_that_has_nothing_at_a_path_is_refused(path: str):
    record = merge({"a": {"b": [10, 11]}}, {"new": {"path": path}})
    message = f"line 4: the item has nothing at '{path}'"
    assert record.value is None
    assert record.error == ErrorInfo(type="SelectError", message=message, retryable=False)


def test_a_refusal_names_no_line_where_the_source_has_none():
    record = merge({}, {"new": {"path": "a"}}, line=None)
    assert record.error is not None
    assert record.error.message == "the item has nothing at 'a'"


def test_a_record_that_does_not_parse_stays_as_it_is():
    refused = Record(1, 2, None, ErrorInfo(type="JsonLineError", message="line 2: no JSON"))
    selection = SELECTION.validate_python({"new": {"path": "a"}})
    assert list(select([refused], selection, None)) == [refused]
