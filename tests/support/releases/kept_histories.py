"""Histories that versions of the app have written, kept to see that later ones can replay them.

`python -m tests.support.releases.kept_histories` keeps those of the version that is being released.
"""

import asyncio
import gzip
import json
import re
import sys
import tomllib
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from tests.support.replays.recorded_histories import (
    TASK_FAILED,
    TASK_SCHEDULED,
    Reply,
    payload,
    replay,
)
from tests.support.replays.recorded_runs import record_runs
from tests.support.replays.short_rests import shorten

ROOT = Path(__file__).parents[3]
FOLDER = ROOT / "tests" / "corpus" / "histories"
SUFFIX = ".jsonl.gz"
CHILD_CREATED = 7
# Of a machine's own folders nothing is kept; they are in the stacks of failures.
_FOLDER_OF_MODULE = re.compile(r'File \\*"[^"]*/([^/"]+)')


@dataclass(frozen=True)
class Kept:
    """An execution of an orchestration as it ended.

    Attributes:
        turn: What the host sent at its last turn.
        decided: What the version of then made of it.
    """

    orchestrator: str
    turn: dict[str, Any]
    decided: Reply

    @property
    def names(self) -> set[str]:
        """The functions that it called."""
        called = (TASK_SCHEDULED, CHILD_CREATED)
        return {e["Name"] for e in self.turn["history"] if e["EventType"] in called}

    def has_failed(self, function: str) -> bool:
        """Tell whether a call of an activity has failed in it."""
        called = {
            event["EventId"]
            for event in self.turn["history"]
            if event["EventType"] == TASK_SCHEDULED and event["Name"] == function
        }
        return any(
            event["EventType"] == TASK_FAILED and event["TaskScheduledId"] in called
            for event in self.turn["history"]
        )


def current_version() -> str:
    """The version that is in the making."""
    version = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["version"]
    return str(version)


def kept_versions() -> list[str]:
    """The versions whose runs may go on."""
    return sorted(file.name.removesuffix(SUFFIX) for file in FOLDER.glob(f"*{SUFFIX}"))


def read_kept(version: str) -> Iterator[Kept]:
    """The executions that a version has had, each whole."""
    with gzip.open(FOLDER / f"{version}{SUFFIX}", "rt", encoding="utf-8") as lines:
        for line in lines:
            orchestrator, turn, decided = json.loads(line)
            yield Kept(orchestrator, turn, Reply(**decided))


def goes_on(then: Any, now: Any) -> bool:
    """Tell whether now asks for what was asked for then; it may say more."""
    if isinstance(then, dict):
        return isinstance(now, dict) and all(
            name in now and goes_on(value, now[name]) for name, value in then.items()
        )
    if isinstance(then, list):
        return (
            isinstance(now, list)
            and len(then) == len(now)
            and all(goes_on(old, new) for old, new in zip(then, now, strict=True))
        )
    if then != now and isinstance(then, str) and isinstance(now, str):
        old, new = payload(then), payload(now)
        return isinstance(old, (dict, list)) and goes_on(old, new)
    return bool(then == now)


async def _keep(file: Path) -> None:
    with TemporaryDirectory() as folder:
        recorded = await record_runs(Path(folder) / "hub.db")
    file.parent.mkdir(parents=True, exist_ok=True)
    # Without the time of writing: the same histories are the same file.
    with file.open("wb") as sink, gzip.GzipFile("", "wb", mtime=0, fileobj=sink) as packed:
        for one in recorded.recordings:
            decided = asdict(replay(recorded.functions[one.orchestrator], one.turns[-1]))
            line = json.dumps([one.orchestrator, one.turns[-1], decided])
            packed.write(_FOLDER_OF_MODULE.sub(r"File \1", line).encode() + b"\n")


if __name__ == "__main__":
    shorten()
    asyncio.run(_keep(FOLDER / f"{current_version()}{SUFFIX}"))
    sys.stdout.write(f"{', '.join(kept_versions())}\n")
