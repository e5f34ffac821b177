"""What is read as JSON, every other parser can read again; the rest is named by its field."""

import json
import tracemalloc
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fanout.errors import InvalidRequestError
from fanout.models.request import RunRequest
from starters.lifecycle.json_text import MAX_PROBLEMS, read_json

MARK = b"\xef\xbb\xbf"


def problems(data: bytes) -> list[tuple[str, str]]:
    with pytest.raises(InvalidRequestError) as invalid:
        read_json(data)
    return [(problem.field, problem.message) for problem in invalid.value.problems]


def test_a_mark_before_the_document_is_skipped():
    assert read_json(MARK + b'{"a": "\xef\xbb\xbf"}') == {"a": "\ufeff"}


@pytest.mark.parametrize("encoding", ["utf-16", "utf-16-le", "utf-16-be", "utf-32", "utf-32-be"])
def test_another_encoding_is_named(encoding: str):
    ((field, message),) = problems('{"a": 1}'.encode(encoding))
    assert field == "body"
    assert message.startswith(f"it is {encoding.upper()[:6]}; JSON is sent as UTF-8")


@pytest.mark.parametrize(
    ("text", "field", "says"),
    [
        (b'{"items": [{"n": 1e400}]}', "items[0].n", "1e400 is beyond the largest number"),
        (b'{"n": -1E+309}', "n", "-1E+309 is beyond"),
        (b'{"a": {"b": [0, 1.0e0000400]}}', "a.b[1]", "beyond"),
        (b'{"n": 9e99,\n"m": ' + b"9" * 309 + b".5}", "m", "99999... is beyond"),
        (b'{"n": NaN}', "n", "JSON has no NaN"),
        (b'{"n": [1, Infinity]}', "n[1]", "JSON has no Infinity"),
        (b'{"n": -Infinity}', "n", "JSON has no -Infinity"),
        (b'{"n": ' + b"7" * 4301 + b"}", "n", "a number of 4,301 digits; 4,300 are the most"),
        (b'{"n": -' + b"7" * 9999 + b"}", "n", "9,999 digits"),
        (b'{"t": "caf\\udce9"}', "t", "'caf\\udce9' has a surrogate alone"),
        (b'{"t": "\\ud83d"}', "t", "'\\ud83d' has a surrogate alone"),
        (b'{"t": ["\\ude00\\ud83d"]}', "t[0]", "surrogate alone"),
        (b'{"a": {"\\udce9": 1}}', "a", "the name '\\udce9' has"),
        (b'{"\\udce9": NaN}', "\\udce9", "JSON has no NaN"),
        (b'{"t": "caf\xe9"}', "t", "surrogate alone, which UTF-8 cannot hold"),
        (b'{"t": "\xed\xa0\x80"}', "t", "surrogate alone"),
        (b"[NaN]", "[0]", "JSON has no NaN"),
        (b"NaN", "body", "JSON has no NaN"),
    ],
)
def test_what_others_could_not_read_is_named_by_its_field(text: bytes, field: str, says: str):
    found = dict(problems(text))
    assert says in found[field]
    assert found.keys() <= {field, "body"}


def test_every_such_field_is_named_but_no_endless_list_made():
    found = problems(b'{"a": NaN, "b": [1e999, "\\udce9"], "c": 1}')
    assert [field for field, _ in found] == ["a", "b[0]", "b[1]"]
    assert len(problems(b"[" + b"NaN," * 5000 + b"1]")) == MAX_PROBLEMS


def test_long_names_over_many_values_cost_no_memory():
    text = b'{"%s": [%s1]}' % (b"x" * 1_000_000, b"NaN," * 200_000)
    tracemalloc.start()
    found = problems(text)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert found[1][0] == "x" * 60 + "...[1]"
    assert peak < 200_000_000


@pytest.mark.parametrize(
    "text", [b"", b"{", b"\xff", b'{"a": NaN', b"[" * 100_000, b'{"a": 01}', b"{'a': NaN}"]
)
def test_what_is_no_json_is_told_as_such(text: bytes):
    ((field, message),) = problems(text)
    assert field == "body"
    assert message.startswith("it is no JSON: ")


@pytest.mark.parametrize(
    "number", [2**63, 2**64 + 1, -(10**30), int("7" * 4300), 1.7976931348623157e308, 5e-324, -0.0]
)
def test_numbers_that_json_can_hold_survive_as_they_came(number: float):
    text = json.dumps({"items": [number]}).encode()
    assert repr(read_json(text)["items"][0]) == repr(number)
    request = {"workload": "w", "source": {"kind": "inline", "items": read_json(text)["items"]}}
    kept = RunRequest.model_validate(request).model_dump_json()
    assert repr(RunRequest.model_validate_json(kept).source.items) == repr([number])  # type: ignore[union-attr]


VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=12,
)


@given(VALUES)
def test_a_document_is_read_as_python_reads_it_or_refused(value: Any):
    text = json.dumps(value)
    try:
        text.encode().decode()
        json.dumps(value, allow_nan=False)
        json.dumps(value, ensure_ascii=False).encode()
        is_plain = True
    except ValueError:
        is_plain = False
    try:
        found = read_json(text.encode())
    except InvalidRequestError:
        assert not is_plain
        return
    assert is_plain
    assert found == json.loads(text)
