"""HTTP functions that show what a function sees, and answer in every way it may."""

import asyncio
import json
import logging
import os
import time

import azure.functions as func

logger = logging.getLogger(__name__)
app = func.FunctionApp(http_auth_level=func.AuthLevel.FUNCTION)


def _json(value: object, status: int = 200) -> func.HttpResponse:
    return func.HttpResponse(json.dumps(value), status_code=status, mimetype="application/json")


@app.route(route="see/{id:int?}")
def see(req: func.HttpRequest, context: func.Context) -> func.HttpResponse:
    return _json(
        {
            "method": req.method,
            "url": req.url,
            "headers": dict(req.headers),
            "params": dict(req.params),
            "route_params": dict(req.route_params),
            "body": req.get_body().hex(),
            "function": context.function_name,
            "trace_parent": context.trace_context.trace_parent,
        }
    )


@app.route(route="bytes", methods=["POST"])
def reverse(req: func.HttpRequest) -> func.HttpResponse:
    return func.HttpResponse(req.get_body()[::-1], mimetype="application/octet-stream")


@app.route(route="length", methods=["POST"])
def length(req: func.HttpRequest) -> func.HttpResponse:
    return func.HttpResponse(str(len(req.get_body())))


@app.route(route="cookies", methods=["GET"])
def cookies(req: func.HttpRequest) -> func.HttpResponse:
    response = func.HttpResponse("cookies", status_code=418)
    response.headers.add("Set-Cookie", "a=1; Path=/; HttpOnly")
    response.headers.add("Set-Cookie", "b=2; Secure; SameSite=Lax")
    response.headers["X-Own"] = "yes"
    return response


@app.route(route="own_cookie")
def own_cookie(req: func.HttpRequest) -> func.HttpResponse:
    return func.HttpResponse("a cookie", headers={"Set-Cookie": req.headers["X-Cookie"]})


@app.route(route="text/{kind}", methods=["GET"])
def text(req: func.HttpRequest) -> str:
    if req.route_params["kind"] == "object":
        return json.dumps({"body": {"a": 1}, "statusCode": 202, "headers": {"x-own": "yes"}})
    return os.environ["GREETING"]


@app.route(route="same/{name:alpha}", methods=["GET"])
def same_first(req: func.HttpRequest) -> func.HttpResponse:
    return func.HttpResponse("first")


@app.route(route="same/{name}", methods=["GET", "DELETE"])
def same_second(req: func.HttpRequest) -> func.HttpResponse:
    return func.HttpResponse("second")


@app.route(route="files/{*path}", methods=["GET"])
async def files(req: func.HttpRequest) -> func.HttpResponse:
    await asyncio.sleep(0)
    return func.HttpResponse(req.route_params.get("path", "none"))


@app.route(route="raise")
def failing(req: func.HttpRequest) -> func.HttpResponse:
    print("about to fail")
    raise ValueError("no secret must leave")


@app.route(route="nothing")
def nothing(req: func.HttpRequest) -> func.HttpResponse:
    return None  # type: ignore[return-value]


@app.route(route="empty")
def empty(req: func.HttpRequest) -> func.HttpResponse:
    return func.HttpResponse(status_code=204)


@app.route(route="smuggle")
def smuggle(req: func.HttpRequest) -> func.HttpResponse:
    return func.HttpResponse("x", headers={"X-Bad": "a\r\nX-Injected: b"})


@app.route(route="die")
def die(req: func.HttpRequest) -> func.HttpResponse:
    os._exit(9)


@app.route(route="slow")
def slow(req: func.HttpRequest) -> func.HttpResponse:
    logger.info("slow began")
    time.sleep(0.5)
    return func.HttpResponse("slow")


@app.route()
def named_by_itself(req: func.HttpRequest) -> func.HttpResponse:
    return func.HttpResponse("named")


@app.route(route="off")
def switched_off(req: func.HttpRequest) -> func.HttpResponse:
    return func.HttpResponse("on")


@app.timer_trigger(schedule="0 0 0 1 1 *", arg_name="timer", use_monitor=False)
def new_year(timer: func.TimerRequest) -> None:
    logger.info("a new year, past due: %s", timer.past_due)
