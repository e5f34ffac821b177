"""What a row of the store can hold."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from localhost.durable.errors import UnstorableError
from localhost.durable.storage import values
from localhost.durable.storage.transaction import Transaction
from localhost.durable.storage.values import storable, storable_row

SURROGATES = st.characters(min_codepoint=0xD800, max_codepoint=0xDFFF)


@given(st.text(st.one_of(st.characters(), SURROGATES)))
def test_every_text_can_be_written_and_only_surrogates_change(text):
    stored = storable(text)
    assert stored.encode().decode() == stored
    expected = "".join(f"\\u{ord(c):04x}" if 0xD800 <= ord(c) <= 0xDFFF else c for c in text)
    assert stored == expected


@given(st.text(st.one_of(st.characters(), SURROGATES)))
def test_json_text_keeps_its_value(text):
    raw = json.dumps(text, ensure_ascii=False)
    assert json.loads(storable(raw)) == json.loads(raw)


@pytest.mark.parametrize("value", [None, 0, -(2**63), 2**63 - 1, "", "ü", "a\0b"])
def test_what_sqlite_holds_stays_as_it_is(value):
    assert storable(value) == value


@pytest.mark.parametrize("value", [2**63, -(2**63) - 1, {1}, b"x", 1.5, object()])
def test_what_sqlite_does_not_hold_is_refused(value):
    with pytest.raises(UnstorableError):
        storable(value)


@given(st.lists(st.one_of(st.none(), st.integers(), st.text(), st.booleans(), st.binary())))
def test_a_row_is_what_its_values_are(row):
    try:
        expected = tuple(map(storable, row))
    except UnstorableError:
        with pytest.raises(UnstorableError):
            storable_row(tuple(row))
    else:
        assert storable_row(tuple(row)) == expected


@pytest.mark.parametrize("text", ["x" * 11, "ü" * 6])
def test_a_text_that_is_too_large_is_refused_by_its_bytes(text, monkeypatch):
    monkeypatch.setattr(values, "LARGEST_TEXT_BYTES", 10)
    with pytest.raises(UnstorableError, match=r"1[12] bytes is too large"):
        Transaction().put_entity("e", "k", text, "now")
