"""Writes what the scenarios come to on the SDK that is installed, and on the engine for it.

`python -m tests.support.replays.record_outcomes FILE`
"""

import asyncio
import json
import sys
import tempfile
import warnings
from pathlib import Path
from typing import Any

from tests.support.replays.recorded_runs import record_runs
from tests.support.replays.scenario_outcomes import outcome
from tests.support.replays.short_rests import shorten


async def outcomes_on_the_engine() -> dict[str, Any]:
    """On the embedded host's engine, with the SDK 1.x."""
    with tempfile.TemporaryDirectory() as folder:
        found = await record_runs(Path(folder) / "hub.db")
    return {
        name: outcome(name, script, found.outputs[name], found.governors[name])
        for name, script in found.scripts.items()
    }


if __name__ == "__main__":
    # The SDK warns of every event that comes before it is awaited.
    warnings.simplefilter("ignore")
    shorten()
    Path(sys.argv[1]).write_text(json.dumps(asyncio.run(outcomes_on_the_engine())))
