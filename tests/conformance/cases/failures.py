"""Failures, and names of nothing."""

from typing import Any

from tests.conformance.cases.retries import FOR_EVER_SECONDS
from tests.conformance.registry import Case, case, simple

KINDS = (
    "plain",
    "cause",
    "context",
    "notes",
    "empty",
    "unicode",
    "lines",
    "labels",
    "outofproc",
    "secret",
    "url",
    "long",
    "odd",
    "group",
    "stop",
    "json",
    "cancelled",
)

for _key in KINDS:
    # The engine's stand-in for a worker never answers what raises StopIteration.
    _seconds = FOR_EVER_SECONDS if _key == "stop" else 20
    simple(f"catch_{_key}", "o_catch", _key, _seconds, output=True)
    _is_whole = _key in ("plain", "cause")
    simple(f"uncaught_{_key}", "o_uncaught", _key, _seconds, output=not _is_whole)
    simple(f"raise_{_key}", "o_raise", _key, 20, output=_key != "plain")
for _key in ("plain", "secret"):
    simple(f"raise_after_{_key}", "o_raise_after", _key)
for _name in (
    "unknown_activity",
    "unknown_activity_retry",
    "unknown_sub",
    "unknown_entity",
    "wrong_kind",
    "unknown_entity_signal",
):
    simple(_name, f"o_{_name}", seconds=FOR_EVER_SECONDS)
simple("case_activity", "o_case_activity", seconds=20)
simple("case_orchestrator", "O_PLAIN", seconds=20)
simple("by_function", "o_by_function")
simple("wrong_call", "o_wrong_call")


@case
def unknown_orchestrator(c: Case) -> Any:
    return [
        c.answer("POST", f"{c.hooks}/orchestrators/nope/{c.id}", {}),
        c.sdk("start", name="nope", id=c.id + "s"),
        c.status()[0],
        c.sdk("start", name="echo", id=c.id + "t"),
        c.sdk("start", name="", id=c.id + "u"),
    ]
