"""The app of the end-to-end tests, which writes down what each turn of an orchestrator orders.

So it is known from the worker's side, whatever the host stores of it.
"""

import json
import os
import sys
from collections import Counter
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parents[4]))

from azure.durable_functions.orchestrator import Orchestrator

from tests.e2e.apps.probe import function_app as probe

app = probe.app
_handle = Orchestrator.handle


def handle(self: Orchestrator, context: Any) -> str:
    """Carry out a turn, and write down for whom and what it ordered so far."""
    answer = _handle(self, context)
    arrivals = Counter(event.event_type for event in context.histories)
    turn = {
        "instance": context.instance_id,
        "actions": json.loads(answer)["actions"],
        "arrivals": {str(int(kind)): count for kind, count in arrivals.items()},
    }
    line = json.dumps(turn) + "\n"
    file = os.open(os.environ["WATCHED_TURNS"], os.O_WRONLY | os.O_APPEND | os.O_CREAT)
    os.write(file, line.encode())
    os.close(file)
    return answer


Orchestrator.handle = handle
