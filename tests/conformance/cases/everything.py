"""Lists of everything there is, and much work: one at a time, after all others."""

import time
import urllib.parse
from datetime import UTC, datetime
from typing import Any

from tests.conformance.registry import Case, alone


@alone
def entities_listed(c: Case) -> Any:
    seen = {}
    for n in range(3):
        c.sdk("signal", entity="counter", key=f"{c.id}-{n}", operation="set", input=n)
    time.sleep(3)
    for query in (
        "/entities",
        "/entities/",
        "/entities/counter",
        "/entities/COUNTER",
        "/entities/counter?fetchState=true",
        "/entities/nope",
        "/entities?top=1",
        "/entities/counter?lastOperationTimeFrom=2999-01-01T00:00:00Z",
    ):
        got = c.answer("GET", c.hooks + query)
        if isinstance(got["body"], list):
            found = [e for e in got["body"] if c.id in str((e.get("entityId") or {}).get("key"))]
            got["body"] = {"any": bool(got["body"]), "one": sorted(found, key=str)[:1]}
        seen[query] = got
    got = c.call("GET", f"{c.hooks}/instances?instanceIdPrefix=%40counter%40{c.id}")
    seen["as instances"] = [
        got[0],
        sorted(got[2], key=str)[:1] if isinstance(got[2], list) else got[2],
    ]
    everything, token = [], None
    for _ in range(100):
        _status, headers, body = c.call(
            "GET",
            f"{c.hooks}/instances?top=50&showInput=false",
            headers={"x-ms-continuation-token": token} if token else None,
        )
        everything += [i["instanceId"] for i in body] if isinstance(body, list) else []
        token = headers.get("x-ms-continuation-token")
        if not token:
            break
    seen["entities among instances"] = any(i.startswith("@") for i in everything)
    seen["children among instances"] = any(":" in i for i in everything)
    everyone = c.sdk("all").get("result", [])
    seen["entities among get_status_all"] = any(i.startswith("@") for i in everyone)
    # There are some 500 by now.
    seen["get_status_all gives"] = (
        "100"
        if len(everyone) == 100
        else "all"
        if len(everyone) >= len(everything) > 300
        else f"{len(everyone)} of {len(everything)}"
    )
    running = c.sdk("by", statuses=["Running", "Pending"]).get("result", [])
    seen["entities among get_status_by Running"] = any(i.startswith("@") for i in running)
    return seen


@alone
def default_page(c: Case) -> Any:
    status, headers, body = c.call("GET", f"{c.hooks}/instances")
    return {
        "status": status,
        "count is 100": len(body) == 100,
        "token": bool(headers.get("x-ms-continuation-token")),
    }


@alone
def fan_2000(c: Case) -> Any:
    return c.output("o_fan", 2000, 170)


@alone
def purge_many(c: Case) -> Any:
    at = datetime.now(UTC).isoformat()
    for n in range(4):
        c.start("o_plain" if n else "o_raise", "plain", f"{c.id}-{n}")
    for n in range(4):
        c.wait(id_=f"{c.id}-{n}")
    time.sleep(1)
    one = c.sdk("purge_by", **{"from": at, "statuses": ["Failed"]})
    two = c.answer(
        "DELETE",
        f"{c.hooks}/instances?createdTimeFrom={urllib.parse.quote(at)}&runtimeStatus=Completed",
    )
    three = c.answer(
        "DELETE",
        f"{c.hooks}/instances?createdTimeFrom={urllib.parse.quote(at)}&runtimeStatus=Completed",
    )
    return [one, two, three, [c.status(f"{c.id}-{n}")[0] for n in range(4)]]
