"""Purge, rewind, restart, lists, routes and versions."""

import time
from datetime import UTC, datetime, timedelta
from typing import Any

from tests.conformance.registry import Case, case


@case
def suspend_timer(c: Case) -> Any:
    c.start("o_timer", "second")
    c.until("Running")
    c.answer("POST", f"{c.hooks}/instances/{c.id}/suspend")
    time.sleep(4)
    return [
        c.status(query="")[2].get("runtimeStatus"),
        c.answer("POST", f"{c.hooks}/instances/{c.id}/resume")["status"],
        c.wait().get("runtimeStatus"),
    ]


@case
def purging(c: Case) -> Any:
    seen = [
        c.answer("DELETE", f"{c.hooks}/instances/nobody-{c.mark}"),
        c.sdk("purge", id="nobody-" + c.mark),
    ]
    c.run("o_plain")
    seen += [
        c.answer("DELETE", f"{c.hooks}/instances/{c.id}"),
        c.status()[0],
        c.answer("DELETE", f"{c.hooks}/instances/{c.id}"),
    ]
    c.start("sub_slow", 60, c.id + "r")
    c.until("Running", c.id + "r")
    seen += [c.answer("DELETE", f"{c.hooks}/instances/{c.id}r"), c.status(c.id + "r")[0]]
    return seen


@case
def purge_filters(c: Case) -> Any:
    return [
        c.answer("DELETE", f"{c.hooks}/instances"),
        c.answer("DELETE", f"{c.hooks}/instances?createdTimeFrom=x"),
        c.answer(
            "DELETE",
            f"{c.hooks}/instances?createdTimeFrom=2020-01-01T00:00:00Z&createdTimeTo=2020-01-02T00:00:00Z",
        ),
        c.sdk("purge_by"),
        c.sdk(
            "purge_by", **{"from": "2020-01-01T00:00:00+00:00", "to": "2020-01-02T00:00:00+00:00"}
        ),
        c.answer(
            "DELETE",
            f"{c.hooks}/instances?createdTimeFrom=2020-01-01T00:00:00Z&createdTimeTo=2020-01-02T00:00:00Z&runtimeStatus=Running",
        ),
    ]


@case
def rewinding(c: Case) -> Any:
    seen = [
        c.answer("POST", f"{c.hooks}/instances/nobody-{c.mark}/rewind?reason=x"),
        c.sdk("rewind", id="nobody-" + c.mark),
    ]
    c.run("o_plain", id_=c.id + "p")
    seen += [
        c.answer("POST", f"{c.hooks}/instances/{c.id}p/rewind?reason=x"),
        c.sdk("rewind", id=c.id + "p"),
    ]
    c.start("sub_slow", 20, c.id + "r")
    c.until("Running", c.id + "r")
    seen += [c.answer("POST", f"{c.hooks}/instances/{c.id}r/rewind?reason=x")]
    c.start("sub_flaky", [c.id, 2])
    one = c.ended(20)
    seen += [
        one["body"].get("runtimeStatus"),
        c.answer("POST", f"{c.hooks}/instances/{c.id}/rewind?reason=again"),
        c.wait(lambda b: b.get("runtimeStatus") == "Completed", 20),
        c.ended(2),
    ]
    return seen


@case
def rewind_raise(c: Case) -> Any:
    """Code that raises, not an activity."""
    c.run("o_raise_after", "plain")
    seen = [c.answer("POST", f"{c.hooks}/instances/{c.id}/rewind?reason=again")]
    time.sleep(6)
    return [*seen, c.ended(5)]


@case
def rewind_sub(c: Case) -> Any:
    c.start("o_sub_uncaught", ["sub_flaky", [c.id, 2]])
    one = c.ended(20)
    return [
        one["body"].get("runtimeStatus"),
        c.sdk("rewind", id=c.id, reason="again"),
        c.wait(lambda b: b.get("runtimeStatus") == "Completed", 20).get("output"),
    ]


@case
def restarting(c: Case) -> Any:
    seen = [
        c.answer("POST", f"{c.hooks}/instances/nobody-{c.mark}/restart"),
        c.sdk("restart", id="nobody-" + c.mark),
    ]
    c.run("o_value", 5)
    new = c.answer("POST", f"{c.hooks}/instances/{c.id}/restart")
    other = (new["body"] or {}).get("id", "?") if isinstance(new["body"], dict) else "?"
    seen += [new, c.wait(id_=other, seconds=15).get("output") if other != "?" else None]
    same = c.answer("POST", f"{c.hooks}/instances/{c.id}/restart?restartWithNewInstanceId=false")
    time.sleep(2)
    seen += [
        same,
        c.ended(10, history=False),
        c.sdk("restart", id=c.id),
        c.sdk("restart", id=c.id, new=False),
    ]
    c.start("sub_slow", 30, c.id + "r")
    c.until("Running", c.id + "r")
    seen += [
        c.answer("POST", f"{c.hooks}/instances/{c.id}r/restart?restartWithNewInstanceId=false"),
        c.answer("POST", f"{c.hooks}/instances/{c.id}r/restart?restartWithNewInstanceId=true"),
        c.sdk("restart", id=c.id + "r", new=False),
    ]
    return seen


@case
def listing(c: Case) -> Any:
    names = [f"{c.id}-{n}" for n in range(5)]
    for n, id_ in enumerate(names):
        c.start("o_plain" if n < 4 else "sub_slow", 60, id_)
    for id_ in names[:4]:
        c.wait(id_=id_)
    c.until("Running", names[4])
    prefix = f"instanceIdPrefix={c.id}"

    def get(q, **h):
        return c.answer("GET", f"{c.hooks}/instances?{q}", headers=h)

    seen = {
        q: get(q)
        for q in (
            prefix,
            prefix + "&runtimeStatus=Running",
            prefix + "&runtimeStatus=completed",
            prefix + "&runtimeStatus=Completed,Running",
            prefix + "&runtimeStatus=Completed&runtimeStatus=Running",
            prefix + "&runtimeStatus=nope",
            prefix + "&showInput=false",
            prefix + "&createdTimeFrom=2999-01-01T00:00:00Z",
            prefix + "&createdTimeTo=2020-01-01T00:00:00Z",
            prefix + "&createdTimeFrom=x",
            prefix + "&top=x",
            prefix + "&top=0",
            prefix + "&top=-1",
            prefix + "&top=2",
        )
    }
    for entry in seen.values():
        if isinstance(entry["body"], list):
            entry["body"].sort(key=lambda i: i.get("instanceId", ""))
    pages, token = [], None
    for _ in range(12):
        _status, headers, body = c.call(
            "GET",
            f"{c.hooks}/instances?{prefix}&top=2",
            headers={"x-ms-continuation-token": token} if token else None,
        )
        pages += [i["instanceId"] for i in body] if isinstance(body, list) else [body]
        token = headers.get("x-ms-continuation-token")
        if not token:
            break
    seen["by pages"] = sorted(pages)
    bad = c.call(
        "GET",
        f"{c.hooks}/instances?{prefix}&top=2",
        headers={"x-ms-continuation-token": "nonsense"},
    )
    seen["bad token"] = [bad[0], str(bad[2])[:200]]
    seen["sdk"] = c.sdk("by", prefix=c.id)
    seen["sdk running"] = c.sdk("by", prefix=c.id, statuses=["Running"])
    seen["sdk completed from"] = c.sdk(
        "by",
        prefix=c.id,
        statuses=["Completed", "Failed"],
        **{"from": (datetime.now(UTC) - timedelta(hours=1)).isoformat()},
    )
    seen["sdk to"] = c.sdk(
        "by", prefix=c.id, to=(datetime.now(UTC) - timedelta(hours=1)).isoformat()
    )
    return seen


@case
def routes(c: Case) -> Any:
    seen = {}
    for method, path in (
        ("GET", ""),
        ("GET", "/"),
        ("GET", "/nope"),
        ("PUT", "/instances"),
        ("POST", "/instances"),
        ("GET", "/orchestrators/o_plain"),
        ("GET", "/orchestrators"),
        ("POST", "/orchestrators"),
        ("POST", "/orchestrators/"),
        ("PATCH", f"/instances/{c.id}"),
        ("POST", f"/instances/{c.id}/nope"),
        ("POST", f"/instances/{c.id}"),
        ("HEAD", "/instances"),
        ("GET", "/INSTANCES"),
        ("GET", "/instances/"),
        ("POST", "/makeprimary"),
        ("GET", "/entities/"),
        ("OPTIONS", "/instances"),
        ("GET", "/instances/a/b/c/d"),
    ):
        got = c.answer(method, c.hooks + path, b"" if method in ("POST", "PUT", "PATCH") else None)
        body = got["body"]
        seen[f"{method} {path}"] = [
            got["status"],
            got["headers"],
            "list" if isinstance(body, list) else body,
        ]
    return seen


@case
def versions(c: Case) -> Any:
    seen = [
        c.answer("POST", f"{c.hooks}/orchestrators/o_context/{c.id}?version=2.0", {})["status"],
        c.ended(15),
    ]
    seen += [
        c.sdk("start", name="o_context", id=c.id + "s", version="1.5"),
        c.ended(15, c.id + "s", history=False),
    ]
    return seen
