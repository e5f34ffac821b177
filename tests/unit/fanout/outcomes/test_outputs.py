"""What a workload returns, as JSON that every parser reads."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic_core import from_json

from fanout.outcomes.outputs import MAX_DEPTH, OutputError, dump_line, make_plain
from tests.support.workloads.hostile_workloads import OUTPUTS, SOUND

PLAIN = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
)


@given(PLAIN)
def test_plain_json_is_kept_as_it_is(value: Any) -> None:
    line = dump_line({"status": "succeeded", "output": value})
    assert json.loads(line)["output"] == value
    assert line.endswith(b"\n") and line.count(b"\n") == 1


@given(PLAIN, st.sampled_from([float("nan"), float("inf"), 10**4300, "\ud83d"]))
def test_no_bad_value_within_it_passes(value: Any, bad: Any) -> None:
    with pytest.raises(OutputError, match=r"the output is no JSON: output\.1\.bad "):
        dump_line({"output": [value, {"bad": bad}]})


@pytest.mark.parametrize("name", OUTPUTS)
def test_what_is_no_json_is_refused_by_name(name: str) -> None:
    with pytest.raises(OutputError, match=r"the output is no JSON: .") as raised:
        make_plain(OUTPUTS[name]())
    str(raised.value).encode()


@pytest.mark.parametrize("name", SOUND)
def test_what_has_a_form_in_json_is_kept_in_it(name: str) -> None:
    make, plain = SOUND[name]
    assert make_plain(make()) == plain


def test_the_deepest_output_is_read_in_any_document_that_holds_it() -> None:
    value: Any = 1
    for _ in range(MAX_DEPTH - 1):
        value = [value]
    line = dump_line({"output": value})
    assert from_json(b'{"a":{"b":{"items":[' + line + b"]}}}")
    for _ in range(2):
        value = [value]
    with pytest.raises(OutputError, match="deeper than 150 levels"):
        dump_line({"output": value})
