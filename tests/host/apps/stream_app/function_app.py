"""HTTP functions that stream, by Microsoft's extension for FastAPI."""

import asyncio
import hashlib
import logging
import os
import time

import azure.functions as func
from azurefunctions.extensions.http.fastapi import (
    JSONResponse,
    Request,
    Response,
    StreamingResponse,
)
from fastapi import HTTPException

app = func.FunctionApp(http_auth_level=func.AuthLevel.ANONYMOUS)
logger = logging.getLogger("streams")
gate = asyncio.Event()
endings: list[str] = []


@app.route(route="pieces", methods=["GET"])
async def pieces(req: Request) -> StreamingResponse:
    async def generate():
        yield b"first\n"
        logger.info("waits in the middle of %s", req.query_params.get("name"))
        await gate.wait()
        yield b"second\n"

    return StreamingResponse(generate(), media_type="text/event-stream", status_code=201)


@app.route(route="open", methods=["POST"])
def open_gate(req: Request) -> str:
    gate.set()
    return "open"


@app.route(route="endless", methods=["GET"])
async def endless(req: Request) -> StreamingResponse:
    async def generate():
        try:
            while True:
                yield b"x" * 1000
                await asyncio.sleep(0.01)
        finally:
            endings.append("endless")

    return StreamingResponse(generate())


@app.route(route="endings", methods=["GET"])
async def ended(req: Request) -> list:
    return endings


@app.route(route="digest", methods=["POST", "PUT"])
async def digest(req: Request) -> JSONResponse:
    count, sha = 0, hashlib.sha256()
    async for piece in req.stream():
        count += len(piece)
        sha.update(piece)
    return JSONResponse({"count": count, "sha256": sha.hexdigest()})


@app.route(route="see/{id:int}/{name?}", methods=["GET"])
async def see(req: Request, context: func.Context) -> dict:
    return {
        "params": req.path_params,
        "query": req.query_params.multi_items(),
        "header": req.headers["x-own"],
        "cookies": req.cookies,
        "url": str(req.url),
        "method": req.method,
        "function": context.function_name,
        "is_own_invocation": req.headers["x-ms-invocation-id"] == context.invocation_id,
    }


@app.route(route="cookies", methods=["GET"])
async def cookies(req: Request) -> Response:
    response = Response("set", headers={"X-Own": "v"})
    response.set_cookie("a", "1")
    response.set_cookie("b", "2")
    return response


@app.route(route="plain", methods=["GET", "POST"])
def plain(req: Request) -> str:
    time.sleep(0.05)
    return f"{req.method} text"


@app.route(route="noted/{id}", methods=["POST"])
@app.queue_output("sent", queue_name="noted", connection="AzureWebJobsStorage")
async def noted(req: Request, sent: func.Out[str]) -> StreamingResponse:
    sent.set((await req.body()).decode())

    async def generate():
        yield b"noted "
        yield req.path_params["id"].encode()

    return StreamingResponse(generate())


@app.route(route="unwritable", methods=["GET"])
@app.table_output("row", table_name="rows", connection="AzureWebJobsStorage")
def unwritable(req: Request, row: func.Out[str]) -> str:
    row.set("no entity")
    return "made"


@app.route(route="missing", methods=["GET"])
async def missing(req: Request) -> str:
    raise HTTPException(404, "no such thing", headers={"X-Why": "gone"})


@app.route(route="broken", methods=["GET"])
def broken(req: Request) -> str:
    raise ValueError("it broke")


@app.route(route="torn", methods=["GET"])
async def torn(req: Request) -> StreamingResponse:
    async def generate():
        yield b"some"
        raise ValueError("torn in the middle")

    return StreamingResponse(generate())


@app.route(route="dies", methods=["GET"])
async def dies(req: Request) -> StreamingResponse:
    async def generate():
        yield b"some"
        await asyncio.sleep(0.2)
        os._exit(3)

    return StreamingResponse(generate())


@app.route(route="hang", methods=["GET"])
async def hang(req: Request) -> str:
    await asyncio.sleep(7)
    return "late"


@app.route(route="echo", methods=["POST"])
async def echo(req: Request) -> StreamingResponse:
    if "first" in req.query_params:
        await req.body()
    return StreamingResponse(req.stream())


@app.route(route="watch", methods=["POST"])
async def watch(req: Request) -> StreamingResponse:
    async def generate():
        for _ in range(3):
            yield f"{await req.is_disconnected()} ".encode()
            await asyncio.sleep(0.01)

    return StreamingResponse(generate())


@app.route(route="flow", methods=["POST"])
async def flow(req: Request) -> StreamingResponse:
    async def generate():
        while True:
            yield b"x" * 1000
            await asyncio.sleep(0.01)

    return StreamingResponse(generate())
