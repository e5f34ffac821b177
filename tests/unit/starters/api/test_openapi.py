import json
from http import HTTPStatus

import pytest
from openapi_spec_validator import validate

from starters.api import endpoints
from starters.api.openapi import document, refusals_of


def test_it_is_a_valid_document_that_json_can_carry():
    made = document()
    validate(made)
    assert json.loads(json.dumps(made)) == made
    assert made["openapi"] == "3.1.0"


def test_every_endpoint_is_in_it_and_nothing_else():
    made = {
        (method.upper(), path, operation["operationId"])
        for path, methods in document()["paths"].items()
        for method, operation in methods.items()
    }
    assert made == {
        (e.method, "/api/" + e.route.replace("{*", "{"), e.function) for e in endpoints.ALL
    }


def test_all_but_the_health_check_ask_for_a_key_or_for_a_role():
    for path, methods in document()["paths"].items():
        for operation in methods.values():
            kinds = [name for asked in operation["security"] for name in asked]
            expected = [] if path == "/api/health" else ["function_key", "entra_token"]
            assert kinds == expected


@pytest.mark.parametrize("endpoint", endpoints.ALL, ids=lambda one: one.function)
def test_each_says_every_way_in_which_it_may_refuse(endpoint: endpoints.Endpoint):
    refusals = refusals_of(endpoint)
    if endpoint.role is None:
        assert refusals == set()
        return
    assert {HTTPStatus.UNAUTHORIZED, HTTPStatus.FORBIDDEN, HTTPStatus.TOO_MANY_REQUESTS} <= refusals
    assert (HTTPStatus.NOT_FOUND in refusals) == ("{" in endpoint.route)
    assert (HTTPStatus.REQUEST_ENTITY_TOO_LARGE in refusals) == (endpoint.body is not None)


def test_fields_are_described_with_their_bounds():
    schemas = document()["components"]["schemas"]
    assert schemas["RunRequest"]["properties"]["workload"]["maxLength"] == 100
    assert schemas["RunRequest"]["additionalProperties"] is False
    assert schemas["Tolerance"]["properties"]["percentage"]["maximum"] == 100
