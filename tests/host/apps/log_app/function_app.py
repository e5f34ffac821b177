"""Two functions that log and print alike, for a host.json that shows more of one of them."""

import logging
import sys

import azure.functions as func

app = func.FunctionApp(http_auth_level=func.AuthLevel.ANONYMOUS)
library = logging.getLogger("some.library")
own = logging.getLogger("own")
own.setLevel(logging.DEBUG)


def _say(name: str) -> func.HttpResponse:
    library.debug("%s: library debug", name)
    own.debug("%s: own debug", name)
    library.info("%s: information", name)
    library.warning("%s: warning", name)
    print(f"{name}: printed")
    print(f"{name}: an error printed", file=sys.stderr)
    return func.HttpResponse(name)


@app.route(route="chatty")
def chatty(req: func.HttpRequest) -> func.HttpResponse:
    return _say("chatty")


@app.route(route="quiet")
def quiet(req: func.HttpRequest) -> func.HttpResponse:
    return _say("quiet")
