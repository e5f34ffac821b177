"""The fan-out that every tutorial shows: one orchestrator, one activity per item, no limits.

Items arrive through the orchestrator's input and results leave through its output, so both are in
its history.
"""

import azure.durable_functions as df

bp = df.Blueprint()


@bp.orchestration_trigger(context_name="context")
def textbook_fan_out(context):
    items = context.get_input()["items"]
    results = yield context.task_all([context.call_activity("textbook_item", i) for i in items])
    return results


@bp.activity_trigger(input_name="item")
def textbook_item(item):
    return {"id": item["id"]}
