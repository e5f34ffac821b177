import pytest

from fanout.adapters.telemetry.trace_parent import TraceParent

TEXT = f"00-{'a' * 32}-{'b' * 16}-01"


def test_a_trace_parent_can_be_read_back():
    parent = TraceParent.parse(TEXT)
    assert parent == TraceParent(int("a" * 32, 16), int("b" * 16, 16), 1)
    assert str(parent) == TEXT


@pytest.mark.parametrize("text", [None, "", "00-a-b-01", TEXT.upper(), f"{TEXT}-more"])
def test_nothing_else_is_a_trace_parent(text: str | None):
    assert TraceParent.parse(text) is None
