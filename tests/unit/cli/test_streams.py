"""Output to a pipe that nobody reads ends the process; what an encoding lacks is an escape."""

import io
import json
import os
from collections.abc import Iterator

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cli.streams import CLOSED_PIPE, GuardedStream, print_json


@pytest.fixture
def closed_pipe() -> Iterator[GuardedStream]:
    reader, writer = os.pipe()
    os.close(reader)
    with GuardedStream(open(writer, "wb"), encoding="utf-8") as stream:  # noqa: PTH123  a number
        yield stream


def test_what_is_held_back_finds_the_pipe_closed_and_is_dropped(closed_pipe: GuardedStream):
    closed_pipe.write("held back")
    with pytest.raises(SystemExit) as ended:
        closed_pipe.flush()
    assert ended.value.code == CLOSED_PIPE
    closed_pipe.flush()  # as the interpreter does at its end
    closed_pipe.write("more")
    closed_pipe.flush()


def test_more_than_can_be_held_back_finds_it_at_once(closed_pipe: GuardedStream):
    with pytest.raises(SystemExit):
        for _ in range(100):
            closed_pipe.write("x" * 10_000)


@given(
    st.recursive(
        st.none() | st.integers() | st.text(st.characters(exclude_categories=())),
        lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
        max_leaves=8,
    ),
    st.sampled_from(["ascii", "latin-1", "cp1252", "utf-8", "utf-16"]),
)
def test_json_is_json_in_any_encoding_and_on_one_line(value: object, encoding: str):
    buffer = io.BytesIO()
    stream = GuardedStream(buffer, encoding=encoding, errors="backslashreplace")
    print_json(value, stream)
    text = buffer.getvalue().decode(encoding)
    assert text.count("\n") == 1
    assert json.loads(text) == value
