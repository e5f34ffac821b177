"""Entities."""

import time
from typing import Any

from tests.conformance.cases.retries import FOR_EVER_SECONDS
from tests.conformance.registry import CASES, Case, case, simple

simple(
    "entity_calls",
    "o_entity",
    lambda c: [
        c.id,
        [
            ["add", 5],
            ["add", 2],
            ["get", None],
            ["name", None],
            ["unknown", 1],
            ["reset", None],
            ["get", None],
            ["delete", None],
            ["get", None],
            ["delete_result", None],
            ["none", None],
            ["get", None],
        ],
    ],
)
simple(
    "entity_inputs",
    "o_entity",
    lambda c: [
        c.id,
        [
            ["input", v]
            for v in (
                None,
                "",
                0,
                False,
                [],
                {},
                "text",
                "ü",
                2**70,
                1.5,
                {"a": None},
                "2026-01-02T03:04:05Z",
                "null",
                '{"a": 1}',
            )
        ],
    ],
    output=True,
)
simple(
    "entity_fail",
    "o_entity",
    lambda c: [
        c.id,
        [
            ["add", 1],
            ["fail", None],
            ["set_and_fail", None],
            ["get", None],
            ["unserializable", None],
            ["get", None],
        ],
    ],
    FOR_EVER_SECONDS,
)
for key in ("cause", "secret", "empty", "lines", "labels", "unicode", "odd"):
    simple(
        f"entity_fail_{key}",
        "o_entity",
        (lambda k: lambda c: [c.id, [["failkind", k]]])(key),
        20,
        output=True,
    )
simple("entity_uncaught", "o_entity_uncaught", lambda c: c.id, 20)
simple(
    "entity_big", "o_entity", lambda c: [c.id, [["big", 2_000_000], ["name", None]]], output=True
)
simple("entity_signals", "o_entity_signals", lambda c: c.id)
simple("entity_signal_none", "o_entity_signal_none", lambda c: c.id, output=True)
simple("entity_all", "o_entity_all", lambda c: c.id, output=True)
simple("entity_all_fail", "o_entity_all_fail", lambda c: c.id, output=True)
simple("entity_case", "o_entity_case", lambda c: c.id, output=True)
for key, text in {
    "space": "a b",
    "unicode": "ü☃",
    "at": "a@b",
    "hash": "a#b",
    "slash": "a/b",
    "percent": "a%20b",
    "empty": "",
    "upper": "ABC",
    "question": "a?b",
    "long": "k" * 200,
}.items():
    simple(
        f"entity_key_{key}",
        "o_entity",
        (lambda k: lambda c: [k + c.id if k else "", [["add", 1], ["name", None]]])(text),
        15,
        output=True,
    )


def state_of(c: Case, test=lambda s: s["result"][0], seconds=10, key=None):
    end, seen = time.monotonic() + seconds, None
    while time.monotonic() < end:
        seen = c.sdk("entity", entity="counter", key=key or c.id)
        if "result" in seen and test(seen):
            return seen
        time.sleep(0.2)
    return {"LATE": seen}


@case
def entity_missing(c: Case) -> Any:
    return [
        c.sdk("entity", entity="counter", key=c.id),
        c.answer("GET", f"{c.hooks}/entities/counter/{c.id}"),
        c.answer("GET", f"{c.hooks}/entities/nope/{c.id}"),
        c.sdk("entity", entity="nope", key=c.id),
    ]


def a_signal(name, value):
    def run(c: Case):
        """The SDK's client, then what the entity got, and the raw text of it."""
        one = c.sdk("signal", entity="counter", key=c.id, operation="raw", input=value)
        raw = state_of(c)
        c.sdk("signal", entity="counter", key=c.id + "2", operation="input", input=value)
        return [one, raw, state_of(c, key=c.id + "2")]

    CASES[f"signal_{name}"] = run


for key, value in {
    "none": None,
    "empty": "",
    "zero": 0,
    "false": False,
    "dict": {},
    "text": "text",
    "number": 5,
    "object": {"a": [None]},
    "unicode": "ü☃",
    "numbertext": "5",
    "nulltext": "null",
    "date": "2026-01-02T03:04:05Z",
    "list": [1],
}.items():
    a_signal(key, value)


def a_post(name, body, type_="application/json"):
    def run(c: Case):
        """The management API."""
        one = c.answer("POST", f"{c.hooks}/entities/counter/{c.id}?op=raw", body, type_)
        c.answer("POST", f"{c.hooks}/entities/counter/{c.id}2?op=input", body, type_)
        return [one, state_of(c, seconds=5), state_of(c, key=c.id + "2", seconds=5)]

    CASES[f"post_entity_{name}"] = run


for key, (body, type_) in {
    "none": (None, None),
    "empty": (b"", "application/json"),
    "null": (b"null", "application/json"),
    "number": (b"5", "application/json"),
    "text": (b'"t"', "application/json"),
    "object": (b'{"a": 1}', "application/json"),
    "broken": (b"{no", "application/json"),
    "plain": (b"text", "text/plain"),
    "plainnumber": (b"5", "text/plain"),
    "bare": (b"text", "application/json"),
}.items():
    a_post(key, body, type_)


def one_of(c: Case, got: Any) -> Any:
    """Of a list of entities those of a case."""
    return {**got, "body": [e for e in got["body"] if c.id in e["entityId"]["key"]]}


@case
def entity_http(c: Case) -> Any:
    seen = [c.answer("POST", f"{c.hooks}/entities/counter/{c.id}?op=set", 7)]
    state_of(c)
    seen += [
        c.answer("GET", f"{c.hooks}/entities/counter/{c.id}"),
        c.answer("GET", f"{c.hooks}/entities/COUNTER/{c.id}"),
        c.answer("POST", f"{c.hooks}/entities/counter/{c.id}"),
        c.answer("POST", f"{c.hooks}/entities/nope/{c.id}?op=x", 1),
        c.answer("PUT", f"{c.hooks}/entities/counter/{c.id}", 1),
        one_of(c, c.answer("GET", f"{c.hooks}/entities/counter/")),
        c.answer("DELETE", f"{c.hooks}/entities/counter/{c.id}"),
    ]
    time.sleep(2)
    seen += [
        c.answer("GET", f"{c.hooks}/entities/counter/{c.id}"),
        c.sdk("signal", entity="nope", key="k", operation="x"),
        c.sdk("signal", entity="counter", key="", operation="x"),
    ]
    return seen


@case
def entity_as_instance(c: Case) -> Any:
    c.sdk("signal", entity="counter", key=c.id, operation="set", input=7)
    state_of(c)
    id_ = f"%40counter%40{c.id}"
    return [
        c.answer("GET", f"{c.hooks}/instances/{id_}"),
        c.answer("POST", f"{c.hooks}/instances/{id_}/terminate?reason=x"),
        c.sdk("status", id=f"@counter@{c.id}"),
    ]


@case
def entity_deleted(c: Case) -> Any:
    c.sdk("signal", entity="counter", key=c.id, operation="set", input=7)
    state_of(c)
    c.sdk("signal", entity="counter", key=c.id, operation="delete")
    gone = state_of(c, lambda s: not s["result"][0])
    return [
        gone,
        c.answer("GET", f"{c.hooks}/entities/counter/{c.id}"),
        c.answer("GET", f"{c.hooks}/instances/%40counter%40{c.id}")["status"],
    ]


@case
def entity_purge(c: Case) -> Any:
    c.sdk("signal", entity="counter", key=c.id, operation="set", input=7)
    state_of(c)
    return [c.sdk("purge", id=f"@counter@{c.id}"), c.sdk("entity", entity="counter", key=c.id)]


@case
def entity_signal_fails(c: Case) -> Any:
    """A signal that raises, and one that comes after it."""
    c.sdk("signal", entity="counter", key=c.id, operation="set", input=1)
    state_of(c)
    c.sdk("signal", entity="counter", key=c.id, operation="set_and_fail")
    c.sdk("signal", entity="counter", key=c.id, operation="add", input=10)
    time.sleep(3)
    return c.sdk("entity", entity="counter", key=c.id)


@case
def entity_burst(c: Case) -> Any:
    for n in range(30):
        c.sdk("signal", entity="Journal", key=c.id, operation="add", input=n + 1)
    end = time.monotonic() + 20
    while time.monotonic() < end:
        seen = c.sdk("entity", entity="Journal", key=c.id)
        if seen.get("result", [0, None])[1] and len(seen["result"][1]) == 30:
            break
        time.sleep(0.3)
    return {
        "in order": seen["result"][1] == list(range(1, 31)),
        "count": len(seen["result"][1] or []),
    }
