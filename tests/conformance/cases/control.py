"""Waiting, status, terminate and suspend."""

import time
from typing import Any

from tests.conformance.registry import Case, case


@case
def sdk_wait(c: Case) -> Any:
    seen = []
    c.start("o_return", "dict", c.id + "a")
    seen.append(c.sdk("wait", id=c.id + "a"))
    c.start("o_raise", "plain", c.id + "b")
    seen.append(c.sdk("wait", id=c.id + "b"))
    c.start("sub_slow", 30, c.id + "c")
    seen.append(c.sdk("wait", id=c.id + "c", timeout=1500, interval=500))
    c.answer("POST", f"{c.hooks}/instances/{c.id}c/terminate?reason=because")
    seen.append(c.sdk("wait", id=c.id + "c"))
    seen.append(c.sdk("wait", id="nobody-" + c.mark, timeout=1500, interval=500))
    seen.append(c.sdk("wait", id=c.id + "a", timeout=1, interval=5))
    return seen


@case
def sdk_links(c: Case) -> Any:
    return [c.sdk("links", id="X"), c.sdk("payload", id="X"), c.sdk("check", id="X")]


@case
def status_queries(c: Case) -> Any:
    c.run("o_value", {"a": 1})
    seen = {
        q: c.answer("GET", f"{c.hooks}/instances/{c.id}{q}")
        for q in (
            "",
            "?showInput=false",
            "?showHistory=true",
            "?showHistory=true&showHistoryOutput=true&showInput=false",
            "?showHistory=x",
            "?showInput=x",
            "?returnInternalServerErrorOnFailure=true",
            "?taskHub=Other",
            "?connection=Other",
            "?code=wrong",
            "?showHistoryOutput=true",
        )
    }
    c.run("o_raise", "plain", id_=c.id + "f")
    seen["failed"] = c.answer("GET", f"{c.hooks}/instances/{c.id}f")
    seen["failed500"] = c.answer(
        "GET", f"{c.hooks}/instances/{c.id}f?returnInternalServerErrorOnFailure=true"
    )
    seen["missing"] = c.answer("GET", f"{c.hooks}/instances/nobody-{c.mark}")
    c.start("sub_slow", 30, c.id + "r")
    c.until("Running", c.id + "r")
    seen["running"] = c.answer("GET", f"{c.hooks}/instances/{c.id}r?showHistory=true")
    return seen


@case
def sdk_status(c: Case) -> Any:
    c.run("o_value", {"a": 1})
    return [
        c.sdk("status", id=c.id),
        c.sdk("status", id=c.id, history=True, output=True, input=True),
        c.sdk("status", id=c.id, history=True),
        c.sdk("status", id="nobody-" + c.mark),
    ]


@case
def terminating(c: Case) -> Any:
    seen = [
        c.answer("POST", f"{c.hooks}/instances/nobody-{c.mark}/terminate?reason=x"),
        c.sdk("terminate", id="nobody-" + c.mark),
    ]
    c.start("sub_slow", 60)
    c.until("Running")
    seen += [
        c.answer("POST", f"{c.hooks}/instances/{c.id}/terminate?reason=the%20reason"),
        c.ended(),
        c.answer("POST", f"{c.hooks}/instances/{c.id}/terminate?reason=again"),
        c.sdk("terminate", id=c.id, reason="again"),
    ]
    c.start("sub_slow", 60, c.id + "2")
    c.until("Running", c.id + "2")
    seen += [
        c.answer("POST", f"{c.hooks}/instances/{c.id}2/terminate"),
        c.ended(id_=c.id + "2", history=False),
    ]
    c.start("o_event", 60, c.id + "3")
    c.answer("POST", f"{c.hooks}/instances/{c.id}3/terminate?reason=%C3%BC")
    seen += [
        c.ended(id_=c.id + "3", history=False),
        c.answer("GET", f"{c.hooks}/instances/{c.id}/terminate"),
    ]
    return seen


@case
def terminate_with_activity(c: Case) -> Any:
    """An activity runs on: does its end change anything?"""
    c.start("o_any", [[4, None], [5, None]])
    c.until("Running")
    time.sleep(0.5)
    c.answer("POST", f"{c.hooks}/instances/{c.id}/terminate?reason=x")
    one = c.until("Terminated")
    time.sleep(6)
    return [one, c.ended(history=True)]


@case
def suspending(c: Case) -> Any:
    seen = [
        c.answer("POST", f"{c.hooks}/instances/nobody-{c.mark}/suspend?reason=x"),
        c.answer("POST", f"{c.hooks}/instances/nobody-{c.mark}/resume?reason=x"),
        c.sdk("suspend", id="nobody-" + c.mark),
        c.sdk("resume", id="nobody-" + c.mark),
    ]
    c.start("o_events", 2)
    c.until("Running")
    seen += [
        c.answer("POST", f"{c.hooks}/instances/{c.id}/suspend?reason=hold"),
        c.until("Suspended"),
        c.status(query="")[2].get("output"),
        c.answer("GET", f"{c.hooks}/instances/{c.id}"),
        c.answer("POST", f"{c.hooks}/instances/{c.id}/suspend?reason=twice"),
        c.event("Go", 1),
    ]
    time.sleep(2)
    seen += [
        c.status(query="")[2].get("customStatus"),
        c.answer("POST", f"{c.hooks}/instances/{c.id}/resume?reason=go"),
        c.until("Running"),
    ]
    seen += [
        c.wait(lambda b: b.get("customStatus") == 1, 10).get("customStatus"),
        c.answer("POST", f"{c.hooks}/instances/{c.id}/resume?reason=twice"),
        c.event("Go", 2),
        c.ended(20),
    ]
    seen += [
        c.answer("POST", f"{c.hooks}/instances/{c.id}/suspend?reason=x"),
        c.answer("POST", f"{c.hooks}/instances/{c.id}/resume?reason=x"),
        c.sdk("suspend", id=c.id),
        c.sdk("resume", id=c.id),
    ]
    return seen


@case
def suspend_terminate(c: Case) -> Any:
    c.start("o_event")
    c.until("Running")
    c.answer("POST", f"{c.hooks}/instances/{c.id}/suspend?reason=hold")
    c.until("Suspended")
    return [c.answer("POST", f"{c.hooks}/instances/{c.id}/terminate?reason=end"), c.ended(15)]


@case
def suspend_with_activity(c: Case) -> Any:
    """Suspended while an activity runs: held back until the resume."""
    c.start("o_all", ["ok"])
    c.answer("POST", f"{c.hooks}/instances/{c.id}/suspend?reason=hold")
    time.sleep(4)
    one = c.status(query="")[2].get("runtimeStatus")
    c.answer("POST", f"{c.hooks}/instances/{c.id}/resume?reason=go")
    return [
        "Suspended or Completed" if one in ("Suspended", "Completed") else one,
        c.wait().get("runtimeStatus"),
    ]
