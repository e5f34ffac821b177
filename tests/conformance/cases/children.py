"""Sub-orchestrations."""

import time
from typing import Any

from tests.conformance.registry import Case, case, simple

simple("sub", "o_sub")
simple("sub_id", "o_sub", lambda c: c.id + "-child")
simple("sub_none", "o_sub_none", output=True)
for _key in ("plain", "cause", "secret", "lines", "empty"):
    simple(f"sub_fail_{_key}", "o_sub_catch", ["sub_fail", _key], output=_key != "plain")
    simple(f"sub_raise_{_key}", "o_sub_catch", ["sub_raise", _key], output=True)
    simple(f"sub_uncaught_{_key}", "o_sub_uncaught", ["sub_raise", _key], output=_key != "plain")
simple("sub_same_id", "o_sub_same_id", lambda c: c.id + "-child")
simple("sub_all", "o_sub_all", 20, output=True)
simple("deep", "o_deep", 12, output=True)
simple("deep_fail", "o_deep_fail", 3, output=True)
simple("self", "o_self", seconds=15)


@case
def sub_of_running(c: Case) -> Any:
    """A child whose id belongs to an instance that runs."""
    other = c.id + "-other"
    c.start("sub_slow", 60, other)
    c.until("Running", other)
    seen = c.run("o_sub_slow", other, 12)
    return [seen, c.wait(lambda b: True, 2, other).get("runtimeStatus")]


@case
def sub_of_ended(c: Case) -> Any:
    other = c.id + "-other"
    c.run("o_plain", id_=other)
    return [c.output("o_sub", other), c.status(other, "")[2]]


@case
def sub_terminate_parent(c: Case) -> Any:
    child = c.id + "-child"
    c.start("o_sub_slow", child)
    c.until("Running", child)
    seen = c.answer("POST", f"{c.hooks}/instances/{c.id}/terminate?reason=enough")
    ended = c.ended(20)
    time.sleep(2)
    return [seen, ended, c.wait(lambda b: True, 2, child).get("runtimeStatus")]


@case
def sub_terminate_child(c: Case) -> Any:
    child = c.id + "-child"
    c.start("o_sub_slow", child)
    c.until("Running", child)
    seen = c.answer("POST", f"{c.hooks}/instances/{child}/terminate?reason=enough")
    return [seen, c.ended(20), c.status(child, "")[2]]


@case
def sub_purge_child(c: Case) -> Any:
    child = c.id + "-child"
    c.start("o_sub_slow", child)
    c.until("Running", child)
    return [
        c.answer("DELETE", f"{c.hooks}/instances/{child}"),
        c.status(child)[0],
        c.ended(8, history=False),
    ]


@case
def sub_suspended_parent(c: Case) -> Any:
    child = c.id + "-child"
    c.start("o_sub_slow", child)
    c.until("Running", child)
    c.answer("POST", f"{c.hooks}/instances/{c.id}/suspend?reason=x")
    return [c.until("Suspended"), c.wait(lambda b: True, 2, child).get("runtimeStatus")]
