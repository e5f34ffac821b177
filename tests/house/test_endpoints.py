"""Every HTTP function is one of the table of endpoints: routes, methods and who may call them."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from starters import endpoints

ROOT = Path(__file__).parents[2]
LIST = """
import json
import function_app
for function in function_app.app.get_functions():
    trigger = function.get_trigger().get_dict_repr()
    if trigger["type"] == "httpTrigger":
        level, route = trigger["authLevel"], trigger["route"]
        methods = [str(getattr(method, "value", method)) for method in trigger["methods"]]
        print(json.dumps([function.get_function_name(), methods, route, str(level)]))
"""
# The dashboard's files hold no data; what it shows, it asks of the API.
PAGES = {"dashboard", "dashboard_file"}


def registered(**settings: str) -> dict[str, tuple[list[str], str, str]]:
    """The HTTP functions: methods, route and the key they ask for."""
    listed = subprocess.run(
        [sys.executable, "-c", LIST],
        cwd=ROOT,
        env={**os.environ, "FANOUT_STORAGE": "UseDevelopmentStorage=true", **settings},
        capture_output=True,
        text=True,
        check=True,
    )
    found = [json.loads(line) for line in listed.stdout.splitlines()]
    return {
        name: (methods, route, level.rpartition(".")[2].lower())
        for name, methods, route, level in found
        if name not in PAGES
    }


@pytest.mark.parametrize(("signs_in", "level"), [("false", "function"), ("true", "anonymous")])
def test_http_functions_are_those_of_the_table_and_ask_for_keys_unless_callers_sign_in(
    signs_in: str, level: str
):
    assert registered(FANOUT_SIGN_IN=signs_in) == {
        e.function: ([e.method], e.route, "anonymous" if e.role is None else level)
        for e in endpoints.ALL
    }
