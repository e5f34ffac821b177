"""Every HTTP function is one of the table of endpoints: routes, methods and who may call them."""

import json

import pytest

from starters.api import endpoints
from tests.support.workloads.registered import listed

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
PAGES = {"dashboard"}


def registered(**settings: str) -> dict[str, tuple[list[str], str, str]]:
    """The HTTP functions: methods, route and the key they ask for."""
    found = [json.loads(line) for line in listed(LIST, **settings)]
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
