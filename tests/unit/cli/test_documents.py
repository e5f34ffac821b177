"""JSON goes to the app as it came: the app judges it, the command line does not."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cli.documents import read_document, read_value, write_document

VALUES = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False)
    | st.text(st.characters(exclude_categories=())),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=12,
)


@given(VALUES)
def test_what_was_read_is_sent_again(value: Any):
    assert read_document(write_document(value)) == value
    assert repr(read_document(json.dumps(value).encode())) == repr(value)


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-32-be"])
def test_any_encoding_of_unicode_is_read(encoding: str):
    assert read_document('{"a": "é\u2028"}'.encode(encoding)) == {"a": "é\u2028"}


def test_what_the_app_refuses_by_its_field_is_left_to_it():
    assert (
        write_document(read_document(b"[NaN, -1e400, Infinity]")) == b"[NaN, -Infinity, Infinity]"
    )
    assert write_document(read_document(b'{"a": "\\udce9"}')) == b'{"a": "\\udce9"}'
    assert read_document(write_document({"n": int("7" * 4300)})) == {"n": int("7" * 4300)}


@pytest.mark.parametrize(
    ("text", "says"),
    [
        (b"", "Expecting value"),
        (b'{"a": 1', "delimiter"),
        (b"7" * 4301, "4,301 digits; 4,300 are the most"),
        (b'{"a": -' + b"7" * 9999 + b"}", "9,999 digits"),
        (b"[" * 100_000, "nested too deep"),
        (b'"\xe9"', "0xe9"),
    ],
)
def test_what_is_no_json_is_refused(text: bytes, says: str):
    with pytest.raises(ValueError, match=says):
        read_document(text)


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("1", 1),
        ("null", None),
        ('["a"]', ["a"]),
        ("NaN", "NaN"),
        ("-Infinity", "-Infinity"),
        ("mean", "mean"),
        ("", ""),
        ("[" * 100_000, "[" * 100_000),
        ("caf\udce9", "caf\udce9"),
    ],
)
def test_a_value_of_the_command_line_is_json_or_text(text: str, value: Any):
    assert read_value(text) == value
    with pytest.raises(ValueError, match="5,000 digits"):
        read_value("7" * 5000)
