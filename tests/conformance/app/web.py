"""`call_http`, and what it calls."""

import json

import azure.functions as func
from triggers import MARKS, bp, orchestrator, seen, told


def http_seen(response):
    if not isinstance(response, dict):
        return seen(response)
    headers = response.get("headers") or {}
    return {
        "keys": sorted(response),
        "status": response.get("statusCode"),
        "content": response.get("content"),
        "x": {
            k: v
            for k, v in headers.items()
            if k.lower().startswith("x-wide") or k.lower() == "content-type"
        },
    }


@orchestrator
def o_http(context):
    x = context.get_input()
    started = context.current_utc_datetime
    try:
        response = yield context.call_http(
            x["method"],
            x["url"],
            x.get("content"),
            x.get("headers"),
            is_raw_str=x.get("raw", False),
        )
    except Exception as error:
        return told(error)
    return {
        **http_seen(response),
        "took": (context.current_utc_datetime - started).total_seconds() > 2,
    }


@bp.route(route="target/{mode}", methods=["GET", "POST", "PUT", "DELETE"])
def target(req: func.HttpRequest) -> func.HttpResponse:
    mode = req.route_params["mode"]
    if mode == "echo":
        told_ = {
            "method": req.method,
            "body": req.get_body().decode(),
            "type": req.headers.get("content-type"),
            "x": req.headers.get("x-wide"),
            "agent": bool(req.headers.get("user-agent")),
        }
        return func.HttpResponse(
            json.dumps(told_), mimetype="application/json", headers={"x-wide": "yes"}
        )
    if mode == "text":
        return func.HttpResponse("plain text", mimetype="text/plain")
    if mode == "empty":
        return func.HttpResponse(status_code=204)
    if mode == "poll":
        path = MARKS / f"poll-{req.params['mark']}"
        with path.open("a") as file:
            file.write("x")
        if path.stat().st_size < 3:
            url = (
                req.url
                if req.params.get("location") != "relative"
                else "/api/target/poll?mark=" + req.params["mark"]
            )
            return func.HttpResponse(
                "wait", status_code=202, headers={"Location": url, "Retry-After": "1"}
            )
        return func.HttpResponse("polled " + req.method)
    if mode == "lost":
        return func.HttpResponse("no location", status_code=202)
    if mode == "moved":
        return func.HttpResponse(
            status_code=302, headers={"Location": req.url.replace("moved", "text")}
        )
    return func.HttpResponse("as asked", status_code=int(mode), mimetype="text/plain")
