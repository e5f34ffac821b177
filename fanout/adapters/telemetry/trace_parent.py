"""The W3C `traceparent`: how a trace goes with a run through its messages.

Source: https://www.w3.org/TR/trace-context/#traceparent-header
"""

import re
from typing import NamedTuple

_FORM = re.compile(r"[0-9a-f]{2}-([0-9a-f]{32})-([0-9a-f]{16})-([0-9a-f]{2})")


class TraceParent(NamedTuple):
    """A span that others are below.

    Attributes:
        trace_id: The trace that it belongs to.
        span_id: The span itself.
        flags: 1 if the trace is recorded.
    """

    trace_id: int
    span_id: int
    flags: int

    @classmethod
    def parse(cls, text: str | None) -> "TraceParent | None":
        """The inverse of `str`; None if it is none."""
        match = _FORM.fullmatch(text) if text else None
        return cls(*(int(group, 16) for group in match.groups())) if match else None

    def __str__(self) -> str:
        return f"00-{self.trace_id:032x}-{self.span_id:016x}-{self.flags:02x}"
