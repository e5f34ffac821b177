"""One orchestrator, N no-op activities that return their input."""

import azure.durable_functions as df

app = df.DFApp()


@app.orchestration_trigger(context_name="context")
def fan_in(context):
    n = context.get_input()["n"]
    results = yield context.task_all([context.call_activity("echo", i) for i in range(n)])
    return results


@app.activity_trigger(input_name="value")
def echo(value):
    return value
