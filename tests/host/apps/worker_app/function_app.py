"""Functions that tell how they were loaded."""

import colorsys
import json
import os
import sys

import azure.functions as func
import borrowed
import neighbour
from around import blueprint as around_blueprint
from parts.places import blueprint as places_blueprint
from watching import SEEN, Lost

app = func.FunctionApp(http_auth_level=func.AuthLevel.ANONYMOUS)
app.register_functions(around_blueprint)
app.register_functions(places_blueprint)
Lost(__file__)


@app.route(route="modules")
def modules(req: func.HttpRequest) -> str:
    found = {module.__name__: getattr(module, "ORIGIN", None) for module in MODULES}
    return json.dumps([found, sys.path, os.environ["PYTHONPATH"]])


@app.route(route="seen")
def seen(req: func.HttpRequest) -> str:
    return json.dumps(SEEN)


@app.route(route="wait")
async def wait(req: func.HttpRequest, context: func.Context) -> str:
    return context.function_directory


MODULES = (borrowed, colorsys, neighbour)
