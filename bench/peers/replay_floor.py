"""The replay floor: what the SDK alone needs for the first and the last turn of the fan-out.

No host, no store, no activities: the history is made up beforehand and handed over as the JSON
text that the Durable extension would send (EventType numbers as in DurableTask.Core's History).
"""

import json
import sys
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))

import azure.durable_functions as df
from protocol import run_peer

STAMP = "2026-01-01T00:00:00.0000000Z"


def fan_in(context):
    n = context.get_input()
    results = yield context.task_all([context.call_activity("echo", i) for i in range(n)])
    return results


def event(kind: int, **fields) -> dict:
    return {"EventType": kind, "EventId": -1, "IsPlayed": False, "Timestamp": STAMP, **fields}


def body(history: list[dict], n: int) -> str:
    document = {
        "history": history,
        "input": json.dumps(n),
        "instanceId": "floor",
        "isReplaying": False,
        "parentInstanceId": None,
        "upperSchemaVersion": 1,
        "upperSchemaVersionNew": 2,
    }
    return json.dumps(document)


def fan_out(n: int) -> float:
    first = [event(12), event(0, Name="fan_in", Version="", Input=json.dumps(n))]
    scheduled = [event(4, Name="echo", Input=f'["{i}"]') | {"EventId": i} for i in range(n)]
    completed = [event(5, TaskScheduledId=i, Result=str(i)) for i in range(n)]
    last = [*first, *scheduled, event(13), event(12), *completed]
    orchestrate = df.Orchestrator.create(fan_in)
    first_text, last_text = body(first, n), body(last, n)
    start = time.perf_counter()
    json.loads(orchestrate(first_text))
    answer = json.loads(orchestrate(last_text))
    seconds = time.perf_counter() - start
    if not answer["isDone"] or len(answer["output"]) != n:
        raise SystemExit("the SDK did not finish the orchestration")
    return seconds


if __name__ == "__main__":
    run_peer(fan_out)
