"""W3C trace contexts: each invocation gets a span of its own in its instance's trace."""

import re
import secrets

_PARENT = re.compile(r"00-([0-9a-f]{32})-[0-9a-f]{16}-([0-9a-f]{2})")


def child_trace_parent(trace_parent: str | None) -> str | None:
    """Make the traceparent of a new span below another; None where there is no trace."""
    match = _PARENT.fullmatch(trace_parent) if trace_parent else None
    return f"00-{match[1]}-{secrets.token_hex(8)}-{match[2]}" if match else None
