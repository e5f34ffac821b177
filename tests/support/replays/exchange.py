"""Turns that one Python decided, for another to replay.

`python -m tests.support.replays.exchange FILE` writes them.
"""

import asyncio
import json
import sys
from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from tests.support.replays import durable_hub
from tests.support.replays.recorded_histories import Reply, replay
from tests.support.replays.recorded_runs import record_runs
from tests.support.replays.short_rests import shorten

PATIENCE_SECONDS = 300.0


async def write_decisions(file: Path) -> None:
    """Carry out every scenario, and write down each turn and what was decided in it."""
    # It has the machine to itself no more than the tests, and nobody waits for one run alone.
    durable_hub.DEADLINE_SECONDS = PATIENCE_SECONDS
    with TemporaryDirectory() as folder:
        recorded = await record_runs(Path(folder) / "hub.db")
    with file.open("w", encoding="utf-8") as lines:
        json.dump({"python": list(sys.version_info[:2])}, lines)
        for recording in recorded.recordings:
            function = recorded.functions[recording.orchestrator]
            for turn in recording.turns:
                decided = asdict(replay(function, turn))
                lines.write("\n")
                json.dump([recording.orchestrator, turn, decided], lines)


def read_python(file: Path) -> tuple[int, ...]:
    """The version of Python that decided."""
    with file.open(encoding="utf-8") as lines:
        return tuple(json.loads(lines.readline())["python"])


def read_decisions(file: Path) -> Iterator[tuple[str, dict[str, Any], Reply]]:
    """The turns: orchestrator, what the host sent, what was decided."""
    with file.open(encoding="utf-8") as lines:
        lines.readline()
        for line in lines:
            orchestrator, turn, decided = json.loads(line)
            yield orchestrator, turn, Reply(**decided)


if __name__ == "__main__":
    shorten()
    asyncio.run(write_decisions(Path(sys.argv[1])))
