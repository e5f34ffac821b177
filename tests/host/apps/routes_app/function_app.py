"""Routes of every kind; each function answers with its name and what the route gave it."""

import json

import azure.functions as func

app = func.FunctionApp(http_auth_level=func.AuthLevel.ANONYMOUS)


def _tell(name: str, req: func.HttpRequest) -> func.HttpResponse:
    body = json.dumps({"function": name, "route": dict(req.route_params)})
    return func.HttpResponse(body, mimetype="application/json")


@app.route(route="orders/{number:int:min(1)}")
def order_by_number(req: func.HttpRequest) -> func.HttpResponse:
    return _tell("order_by_number", req)


@app.route(route="orders/{id:guid}")
def order_by_id(req: func.HttpRequest) -> func.HttpResponse:
    return _tell("order_by_id", req)


@app.route(route="orders/{code:length(3):alpha}")
def order_by_code(req: func.HttpRequest) -> func.HttpResponse:
    return _tell("order_by_code", req)


@app.route(route="days/{day:datetime}")
def day(req: func.HttpRequest) -> func.HttpResponse:
    return _tell("day", req)


@app.route(route="rates/{rate:decimal}")
def rate(req: func.HttpRequest) -> func.HttpResponse:
    return _tell("rate", req)


@app.route(route="seats/{seat:range(1,99)}")
def seat(req: func.HttpRequest) -> func.HttpResponse:
    return _tell("seat", req)


@app.route(route="flags/{flag:bool}")
def flag(req: func.HttpRequest) -> func.HttpResponse:
    return _tell("flag", req)


@app.route(route="parts/{part:regex(^[a-z]{{2}}-\\d+$)}")
def part(req: func.HttpRequest) -> func.HttpResponse:
    return _tell("part", req)


@app.route(route="pages/{page=1}")
def page(req: func.HttpRequest) -> func.HttpResponse:
    return _tell("page", req)


@app.route(route="photos/{name}.{kind?}")
def photo(req: func.HttpRequest) -> func.HttpResponse:
    return _tell("photo", req)


@app.route(route="tree/{root}/{*rest}")
def tree(req: func.HttpRequest) -> func.HttpResponse:
    return _tell("tree", req)


@app.route(route="verbs", methods=["HEAD", "OPTIONS", "PATCH"])
def verbs(req: func.HttpRequest) -> func.HttpResponse:
    return func.HttpResponse("a body", headers={"X-Method": req.method})


@app.route(route="echo")
def echo(req: func.HttpRequest) -> func.HttpResponse:
    return func.HttpResponse(
        json.dumps({"headers": dict(req.headers), "query": dict(req.params)}),
        mimetype="application/json",
        headers={"Vary": "Accept", "X-Many": "a, b"},
    )
