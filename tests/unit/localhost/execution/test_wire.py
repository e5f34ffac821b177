"""Frames between host and worker."""

import io

import pytest
from hypothesis import given
from hypothesis import strategies as st

from localhost.execution import wire
from localhost.execution.contract import (
    HttpRequestData,
    HttpResponseData,
    Invocation,
    InvocationResult,
)

REQUEST = HttpRequestData("GET", "http://h/", {"a": "b"}, {}, {"id": "1"}, b"\x00\xff")


@given(st.lists(st.lists(st.integers()), min_size=1), st.integers(1, 50))
def test_messages_arrive_whole_however_the_stream_is_cut(
    messages: list[list[int]], step: int
) -> None:
    stream = b"".join(wire.frame(message) for message in messages)
    buffer = wire.FrameBuffer()
    pieces = [stream[start : start + step] for start in range(0, len(stream), step)]
    assert [message for piece in pieces for message in buffer.feed(piece)] == messages


def test_a_stream_that_ends_within_a_frame_is_an_end() -> None:
    whole = wire.frame([1, 2, 3])
    for length in range(len(whole)):
        with pytest.raises(EOFError):
            wire.read_frame(io.BytesIO(whole[:length]))
    assert wire.read_frame(io.BytesIO(whole)) == [1, 2, 3]


def test_invocations_and_results_survive_the_journey() -> None:
    calls = [
        Invocation("1", "f", "null", {"client": "{}"}, {"Id": 5}, "00-a-b-01"),
        Invocation("2", "h", REQUEST),
    ]
    results = [
        InvocationResult("1", error="E: x", stack="at"),
        InvocationResult("2", HttpResponseData(200, [("a", "b")], b"x"), outputs={"o": "1"}),
    ]
    sent_calls = wire.read_frame(io.BytesIO(wire.frame(wire.pack_invocations(calls))))
    sent_results = wire.read_frame(io.BytesIO(wire.frame(wire.pack_results(results))))
    assert wire.unpack_invocations(sent_calls) == calls
    assert wire.unpack_results(sent_results) == results
