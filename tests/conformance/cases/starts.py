"""Starting."""

import json
import urllib.parse
from typing import Any

from tests.conformance.registry import ENDED, Case, case


@case
def start_answer(c: Case) -> Any:
    return [
        c.answer("POST", f"{c.hooks}/orchestrators/o_plain/{c.id}", {}),
        c.sdk("start", name="o_plain", id=c.id + "2"),
        c.answer("POST", f"{c.hooks}/orchestrators/o_plain", {}),
        c.sdk("start", name="o_plain"),
    ]


@case
def start_bodies(c: Case) -> Any:
    seen = {}
    for key, (body, type_) in {
        "none": (None, None),
        "empty": (b"", "application/json"),
        "null": (b"null", "application/json"),
        "broken": (b"{no", "application/json"),
        "bare": (b"text", "application/json"),
        "plain": (b"text", "text/plain"),
        "plainjson": (b'{"a": 1}', "text/plain"),
        "quoted": (b'"t"', "application/json"),
        "two": (b"1 2", "application/json"),
        "space": (b" ", "application/json"),
        "bom": b"\xef\xbb\xbf5" and (b"\xef\xbb\xbf5", "application/json"),
        "nan": (b"NaN", "application/json"),
        "comment": (b"/*c*/ 1", "application/json"),
        "single": (b"{'a': 1}", "application/json"),
        "trailing": (b"[1,]", "application/json"),
        "duplicate": (b'{"a":1,"a":2}', "application/json"),
    }.items():
        id_ = f"{c.id}-{key}"
        started = c.answer("POST", f"{c.hooks}/orchestrators/o_value/{id_}", body, type_)
        ended = c.wait(seconds=10, id_=id_) if started["status"] == 202 else {}
        seen[key] = [
            started["status"],
            started["body"] if started["status"] != 202 else None,
            ended.get("runtimeStatus"),
            ended.get("input"),
            ended.get("output"),
        ]
    # One instance whose input is a comment, and the engine can list nothing any more.
    seen["listed with comment"] = c.call("GET", f"{c.hooks}/instances?instanceIdPrefix={c.id}-")[0]
    seen["comment purged"] = c.call("DELETE", f"{c.hooks}/instances/{c.id}-comment")[0]
    seen["listed without comment"] = c.call("GET", f"{c.hooks}/instances?instanceIdPrefix={c.id}-")[
        0
    ]
    return seen


@case
def start_running(c: Case) -> Any:
    c.start("sub_slow", 30)
    c.until("Running")
    seen = [
        c.answer("POST", f"{c.hooks}/orchestrators/o_plain/{c.id}", {}),
        c.sdk("start", name="o_plain", id=c.id),
    ]
    c.answer("POST", f"{c.hooks}/instances/{c.id}/terminate?reason=x")
    return [*seen, c.wait()["name"]]


@case
def start_completed(c: Case) -> Any:
    one = c.run("o_plain")
    seen = [c.answer("POST", f"{c.hooks}/orchestrators/o_return/{c.id}", json.dumps("text"))]
    body = c.wait(lambda b: b.get("name") == "o_return" and b.get("runtimeStatus") in ENDED, 15)
    return [
        one["body"].get("name"),
        seen,
        {n: body.get(n) for n in ("name", "output", "runtimeStatus", "input")},
    ]


@case
def start_failed_again(c: Case) -> Any:
    c.run("o_raise", "plain")
    c.sdk("start", name="o_plain", id=c.id)
    return c.wait(lambda b: b.get("name") == "o_plain" and b.get("runtimeStatus") in ENDED, 15)


@case
def start_suspended(c: Case) -> Any:
    c.start("sub_slow", 30)
    c.until("Running")
    c.answer("POST", f"{c.hooks}/instances/{c.id}/suspend?reason=x")
    c.until("Suspended")
    return c.answer("POST", f"{c.hooks}/orchestrators/o_plain/{c.id}", {})


@case
def start_ids(c: Case) -> Any:
    seen = {}
    for key, id_ in {
        "at": "@x" + c.mark,
        "atat": "@x@y" + c.mark,
        "space": "a b" + c.mark,
        "unicode": "ü☃" + c.mark,
        "dot": "a.b" + c.mark,
        "hash": "a#b" + c.mark,
        "question": "a?b" + c.mark,
        "back": "a\\b" + c.mark,
        "slash": "a/b" + c.mark,
        "long100": "n" * 92 + c.mark,
        "long256": "n" * 248 + c.mark,
        "long300": "n" * 292 + c.mark,
        "long1000": "n" * 992 + c.mark,
        "colon": "a:b" + c.mark,
        "percent": "a%b" + c.mark,
        "plus": "a+b" + c.mark,
        "upper": "UPPER" + c.mark,
        "control": "a\x01b" + c.mark,
        "quote": "a'b" + c.mark,
    }.items():
        got = c.answer(
            "POST", f"{c.hooks}/orchestrators/o_plain/{urllib.parse.quote(id_, safe='')}", {}
        )
        end = c.wait(seconds=6, id_=id_) if got["status"] == 202 else {}
        seen[key] = [
            got["status"],
            got["body"] if got["status"] != 202 else None,
            end.get("runtimeStatus"),
            end.get("http"),
        ]
    return seen


@case
def start_wait(c: Case) -> Any:
    return [
        c.answer(
            "POST",
            f"{c.hooks}/orchestrators/o_return/{c.id}a?timeout=20&pollingInterval=1",
            json.dumps("text"),
        ),
        c.answer(
            "POST",
            f"{c.hooks}/orchestrators/o_raise/{c.id}b?timeout=20&pollingInterval=1",
            json.dumps("plain"),
        ),
        c.answer(
            "POST",
            f"{c.hooks}/orchestrators/sub_slow/{c.id}c?timeout=1&pollingInterval=1",
            json.dumps(30),
        ),
        c.answer(
            "POST", f"{c.hooks}/orchestrators/o_plain/{c.id}d?timeout=1&pollingInterval=5", 30
        ),
        c.answer("POST", f"{c.hooks}/orchestrators/o_plain/{c.id}e?timeout=x", 30),
        c.answer(
            "POST",
            f"{c.hooks}/orchestrators/o_return/{c.id}f?timeout=20&pollingInterval=1",
            json.dumps("none"),
        ),
    ]
