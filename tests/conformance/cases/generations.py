"""Continue as new."""

import time
from typing import Any

from tests.conformance.cases.retries import FOR_EVER_SECONDS
from tests.conformance.registry import Case, case, simple

simple("again", "o_again", 3)
simple("again_at_once", "o_again_at_once", 3)
simple("again_status", "o_again_status", 2)
simple("again_yield", "o_again_yield", 2, 20)
simple("again_none", "o_again_none", 1)
simple("again_raise", "o_again_raise", 3, 20)
simple("again_pending", "o_again_pending", 0, 25)
simple("again_many", "o_again_at_once", 60, 60, output=True)


@case
def again_events(c: Case) -> Any:
    c.start("o_again_events", [])
    c.until("Running")
    for n in range(3):
        c.event("Go", n)
    return c.ended(FOR_EVER_SECONDS, history=False)


@case
def again_events_slow(c: Case) -> Any:
    c.start("o_again_events", [])
    c.until("Running")
    for n in range(3):
        time.sleep(3)
        c.event("Go", n)
    return c.ended(25, history=False)


@case
def again_created(c: Case) -> Any:
    """Does createdTime stay over continue_as_new?"""
    c.start("o_again_forever", 0)
    one = c.wait(lambda b: b.get("runtimeStatus") == "Running", 10)
    time.sleep(4)
    two = c.status(query="")[2]
    c.answer("POST", f"{c.hooks}/instances/{c.id}/terminate?reason=x")
    return {
        "created stays": one.get("createdTime") == two.get("createdTime"),
        "input stays": two.get("input") == 0,
        "ends": c.until("Terminated"),
    }
