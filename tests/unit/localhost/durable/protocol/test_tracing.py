from localhost.durable.protocol.tracing import child_trace_parent


def test_spans_are_new_and_in_the_same_trace():
    parent = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"
    child = child_trace_parent(parent)
    assert child is not None
    assert child != parent
    assert (child[:36], child[-2:]) == (parent[:36], "01")
    assert child_trace_parent(None) is None
    assert child_trace_parent("nonsense") is None
