"""External events."""

import time
from functools import partial
from typing import Any

from tests.conformance.registry import CASES, Case, case


def an_event(name, body, type_="application/json", event="Go"):
    def run(c: Case):
        c.start("o_event")
        c.until("Running")
        got = c.event(event, body, type_=type_)
        return [got, c.ended(10, history=name in ("object", "empty", "rawobject"))]

    CASES[f"event_{name}"] = run


an_event("object", {"a": [1, None]})
an_event("rawobject", b'{"a": [1, null]}')
for key, value in {
    "sdk_none": None,
    "sdk_text": "text",
    "sdk_number": 5,
    "sdk_false": False,
    "sdk_empty": "",
    "sdk_date": "2026-01-02T03:04:05Z",
    "sdk_jsontext": '{"a": 1}',
    "sdk_big": 2**70,
}.items():
    an_event(key, value)
an_event("empty", b"")
an_event("null", b"null")
an_event("text", b'"text"')
an_event("number", b"5")
an_event("false", b"false")
an_event("emptytext", b'""')
an_event("broken", b"{no json")
an_event("bare", b"text")
an_event("plain", b"text", "text/plain")
an_event("charset", b'"x"', "application/json; charset=utf-8")
an_event("utf8", '"ü☃"'.encode())
an_event("case", {"a": 1}, event="go")
an_event("other", {"a": 1}, event="Other")
an_event("date", b'"2026-01-02T03:04:05Z"')
an_event("large", {"a": "e" * 1_000_000})
an_event("bignumber", b"123456789012345678901234567890")
an_event("jsontext", b'"{\\"a\\": 1}"')


@case
def event_early(c: Case) -> Any:
    c.start("o_event_after")
    c.until("Running")
    got = [c.event("Go", {"n": 1}), c.event("Go", {"n": 2})]
    return [got, c.ended()]


@case
def event_pending(c: Case) -> Any:
    """Right after the start."""
    c.start("o_event")
    got = c.event("Go", 1)
    return [got, c.ended()["body"].get("output")]


def has_taken(count: int, body: Any) -> bool:
    """Whether an instance runs and tells that it took so many events."""
    return (body.get("customStatus") or 0) == count and body.get("runtimeStatus") == "Running"


@case
def events_in_turn(c: Case) -> Any:
    c.start("o_events", 3)
    for n in range(3):
        c.wait(partial(has_taken, n), 10)
        time.sleep(0.5)
        c.event("Go", n)
    return c.ended()


@case
def events_at_once(c: Case) -> Any:
    c.start("o_events", 3)
    c.until("Running")
    time.sleep(0.5)
    for n in range(3):
        c.event("Go", n)
    return c.ended(15)


@case
def events_busy(c: Case) -> Any:
    c.start("o_events_busy")
    c.until("Running")
    for n in range(3):
        c.event("Go", n)
    return c.ended(15, history=False)


@case
def events_all(c: Case) -> Any:
    c.start("o_events_all")
    c.until("Running")
    time.sleep(1)
    for event, n in (("Go", 1), ("Go", 2), ("Other", 3)):
        c.event(event, n)
        time.sleep(0.5)
    return c.ended(15, history=False)


@case
def event_beats_timer(c: Case) -> Any:
    c.start("o_event_or_timer", 20)
    c.until("Running")
    c.event("Go", "now")
    return c.ended(30)


@case
def timer_beats_event(c: Case) -> Any:
    c.start("o_event_or_timer", 1)
    time.sleep(4)
    c.event("Go", "late")
    return c.ended(15)


@case
def event_abandoned(c: Case) -> Any:
    c.start("o_event_abandoned")
    c.wait(lambda b: b.get("customStatus") == "ready", 20)
    c.event("Go", "late")
    return c.ended(15, history=False)


@case
def event_names(c: Case) -> Any:
    c.start("o_event")
    c.until("Running")
    return [c.event(n, 1) for n in ("a%20b", "%C3%BC", "a.b", "a-b", "x" * 300, "a%2Fb")]


@case
def event_nowhere(c: Case) -> Any:
    seen = [
        c.answer("POST", f"{c.hooks}/instances/nobody-{c.mark}/raiseEvent/Go", 1),
        c.sdk("event", id="nobody-" + c.mark, event="Go"),
    ]
    c.run("o_plain")
    seen += [
        c.answer("POST", f"{c.hooks}/instances/{c.id}/raiseEvent/Go", 1),
        c.sdk("event", id=c.id, event="Go"),
        c.answer("POST", f"{c.hooks}/instances/{c.id}/raiseEvent/", 1),
        c.answer("GET", f"{c.hooks}/instances/{c.id}/raiseEvent/Go"),
        c.answer("POST", f"{c.hooks}/instances/nobody-{c.mark}/raiseEvent/Go", b"{no"),
        c.answer("POST", f"{c.hooks}/instances/nobody-{c.mark}/raiseEvent/Go", b"x", "text/plain"),
        c.answer("POST", f"{c.hooks}/instances/{c.id}/raiseEvent/Go", b"{no"),
    ]
    return seen
