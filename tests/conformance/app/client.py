"""The SDK's client, one operation a request."""

import json
from datetime import datetime

import azure.durable_functions as df
import azure.functions as func
from triggers import bp, told


def status_seen(status):
    if status is None:
        return None
    return status.to_json()


@bp.route(route="client/{op}", methods=["POST"])
@bp.durable_client_input(client_name="client")
async def client(req: func.HttpRequest, client) -> func.HttpResponse:
    """Does one operation of the SDK's client with the arguments of the body, and tells it."""
    op = req.route_params["op"]
    a = req.get_json()
    try:
        if op == "start":
            result = await client.start_new(
                a["name"],
                a.get("id"),
                a.get("input"),
                **({"version": a["version"]} if "version" in a else {}),
            )
        elif op == "status":
            result = status_seen(
                await client.get_status(
                    a["id"], a.get("history", False), a.get("output", False), a.get("input", False)
                )
            )
        elif op == "all":
            result = sorted(s.instance_id for s in await client.get_status_all())
        elif op == "by":
            statuses = (
                [df.OrchestrationRuntimeStatus(s) for s in a["statuses"]]
                if a.get("statuses")
                else None
            )

            def at(n):
                return datetime.fromisoformat(a[n]) if a.get(n) else None

            result = sorted(
                s.instance_id
                for s in await client.get_status_by(at("from"), at("to"), statuses, a.get("prefix"))
            )
        elif op == "event":
            result = await client.raise_event(a["id"], a["event"], a.get("data"))
        elif op == "terminate":
            result = await client.terminate(a["id"], a.get("reason", ""))
        elif op == "suspend":
            result = await client.suspend(a["id"], a.get("reason", ""))
        elif op == "resume":
            result = await client.resume(a["id"], a.get("reason", ""))
        elif op == "rewind":
            result = await client.rewind(a["id"], a.get("reason", ""))
        elif op == "restart":
            result = await client.restart(a["id"], a.get("new", True))
        elif op == "purge":
            result = (await client.purge_instance_history(a["id"])).instances_deleted
        elif op == "purge_by":
            statuses = (
                [df.OrchestrationRuntimeStatus(s) for s in a["statuses"]]
                if a.get("statuses")
                else None
            )

            def at(n):
                return datetime.fromisoformat(a[n]) if a.get(n) else None

            result = (
                await client.purge_instance_history_by(at("from"), at("to"), statuses)
            ).instances_deleted
        elif op == "signal":
            result = await client.signal_entity(
                df.EntityId(a["entity"], a["key"]), a["operation"], a.get("input")
            )
        elif op == "entity":
            state = await client.read_entity_state(df.EntityId(a["entity"], a["key"]))
            result = [state.entity_exists, state.entity_state]
        elif op == "links":
            result = client.get_client_response_links(req, a["id"])
        elif op == "payload":
            result = client.create_http_management_payload(a["id"])
        elif op == "check":
            return client.create_check_status_response(req, a["id"])
        elif op == "wait":
            return await client.wait_for_completion_or_create_check_status_response(
                req, a["id"], a.get("timeout", 10000), a.get("interval", 1000)
            )
        elif op == "binding":
            result = json.loads(
                json.dumps(
                    vars(client._orchestration_bindings),
                    default=lambda v: v if isinstance(v, str) else str(v),
                )
            )
        else:
            return func.HttpResponse(status_code=404)
    except Exception as error:
        return func.HttpResponse(json.dumps({"error": told(error)}), mimetype="application/json")
    return func.HttpResponse(json.dumps({"result": result}), mimetype="application/json")
