"""Workloads over HTTP: what can be run."""

from http import HTTPStatus
from typing import Any

import azure.functions as func

from fanout.durable.app import Blueprint
from fanout.workload import Workload
from starters.api import endpoints
from starters.api.problems import problem
from starters.api.shell import answer, serve
from workloads import registry

bp = Blueprint()


@serve(bp, endpoints.LIST_WORKLOADS)
async def list_workloads(req: func.HttpRequest, context: func.Context) -> func.HttpResponse:
    """List what can be run."""
    return answer({"workloads": [describe_workload(workload) for workload in registry.all()]})


@serve(bp, endpoints.GET_WORKLOAD)
async def get_workload(req: func.HttpRequest, context: func.Context) -> func.HttpResponse:
    """Describe one workload."""
    try:
        return answer(describe_workload(registry.get(req.route_params["name"])))
    except registry.UnknownWorkloadError as error:
        return problem(HTTPStatus.NOT_FOUND, "workload-not-found", str(error))


def describe_workload(workload: Workload[Any]) -> dict[str, Any]:
    """Describe a workload with the JSON Schemas of its items and parameters."""
    return {
        "name": workload.name,
        "description": workload.description,
        "downstream": workload.downstream,
        "items": workload.item_model.model_json_schema(),
        "parameters": workload.parameters_model.model_json_schema(),
    }
