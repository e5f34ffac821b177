"""Activities that only compute, and a wide fan-out of ones that do nothing."""

import azure.durable_functions as df

app = df.DFApp()


@app.orchestration_trigger(context_name="context")
def compute(context):
    plan = context.get_input()
    tasks = [context.call_activity("burn", plan["rounds"]) for _ in range(plan["n"])]
    return len((yield context.task_all(tasks)))


@app.activity_trigger(input_name="rounds")
def burn(rounds):
    """Keeps one core busy in pure Python."""
    total = 0
    for number in range(rounds):
        total += number * number % 7
    return total


@app.orchestration_trigger(context_name="context")
def fan_in(context):
    n = context.get_input()["n"]
    return len((yield context.task_all([context.call_activity("echo", i) for i in range(n)])))


@app.activity_trigger(input_name="value")
def echo(value):
    return value
