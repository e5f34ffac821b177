"""What every HTTP function does when something is down; the rest is in tests/e2e."""

import json
from types import SimpleNamespace
from typing import Any

import azure.functions as func
import pytest
from azure.core.exceptions import ServiceRequestError

from fanout.adapters.rows.rows import RowContentionError
from starters.api import endpoints
from starters.api.shell import wrap_handler


@pytest.mark.parametrize("error", [ServiceRequestError, RowContentionError])
async def test_storage_that_does_not_answer_is_a_503_and_no_crash(error: type[Exception]):
    @wrap_handler(endpoints.GET_RUN)
    async def handler(req: func.HttpRequest, context: Any) -> func.HttpResponse:
        raise error("no route")

    request = func.HttpRequest("GET", "http://x/api/runs/r", body=b"", route_params={"run_id": "r"})
    context = SimpleNamespace(function_name="handler", invocation_id="i")
    response = await handler(req=request, context=context)
    assert response.status_code == 503
    assert response.mimetype == "application/problem+json"
    assert error.__name__ in json.loads(response.get_body())["detail"]
