"""Many runs at once in one process, each of which takes much memory: what all of them take.

A worker carries out as many activities at a time as it has threads, and all may be of the worst
kind: so each run of a crowd plans, works and fans in while all others do.
"""

import json
import logging
import sys
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass
from pathlib import Path
from random import Random

from fanout.models.request import RunRequest
from fanout.splitting.sizes.budget import Budget
from tests.support.hostile import echoes
from tests.support.hostile.disk_store import DiskStore
from tests.support.hostile.sources import (
    CASES,
    MIB,
    Hostile,
    ask,
    call_child,
    load,
    peak_mib,
    save,
)
from tests.support.replays.local_runs import LocalRun

BATCH = {"max_bytes": 64 * MIB, "max_items": 1_000_000}
LARGE = {"kind": "jsonl"}


def long_lines(random: Random, batch: int) -> Hostile:
    """A batch of long texts, whose outcomes are as long as they may be."""
    rows = random.randint(24, 28)
    data = b"\n".join([b'{"k":"' + b"x" * (batch // 128) + b'"}'] * rows)
    return Hostile(ask(echoes.Echo.name, LARGE, batch=BATCH), data, rows)


def async_lines(random: Random, batch: int) -> Hostile:
    """The same, processed some at a time."""
    lines = long_lines(random, batch)
    request = lines.request | {"workload": echoes.AsyncEcho.name}
    return Hostile(request, lines.data, lines.rows)


def dead_letters(random: Random, batch: int) -> Hostile:
    """A batch of small objects, of which Python makes many times as much, all of which fail."""
    rows = batch // random.randint(16_000, 20_000)
    row = b'{"k":[' + b"{}," * 100 + b"{}]}"
    asked = ask(echoes.Refusal.name, LARGE, batch=BATCH)
    return Hostile(asked, b"\n".join([row] * rows), rows, frozenset(range(rows)))


def much_of_little(random: Random, batch: int) -> Hostile:
    """Items of a few bytes, each of which says how long the text is that a workload makes of it."""
    rows = random.randint(24, 28)
    data = b"%d\n" % (batch // 128) * rows
    return Hostile(ask(echoes.Copies.name, LARGE, batch=BATCH), data, rows)


CROWDS: dict[str, Callable[[Random, int], Hostile]] = {
    make.__name__: make for make in (long_lines, async_lines, dead_letters, much_of_little)
}


@dataclass(frozen=True)
class CrowdCourse:
    """What the runs of a crowd came to.

    Attributes:
        outcomes: How each ended.
        failed: How many items failed, of each.
        planned_mib: The most memory that the process had when all were planned.
        worked_mib: And when all were worked off.
        peak_mib: And in the end.
    """

    outcomes: list[str]
    failed: list[int]
    planned_mib: int
    worked_mib: int
    peak_mib: int


def run_crowd(
    case: str, runs: int, batch: int, folder: Path, seconds: float, seed: int = 1
) -> tuple[Hostile, CrowdCourse]:
    """Make a source in one process, and run over it many times at once in another.

    Args:
        case: Which source.
        runs: How many runs.
        batch: `FANOUT_MAX_BATCH_MEMORY`.
        folder: An empty one.
        seconds: How long each of the two may take.
        seed: Of what is chosen at random.

    Raises:
        subprocess.SubprocessError: One was killed, or took longer.
    """
    call_child(__name__, "make", case, str(seed), str(batch), str(folder), seconds=seconds)
    told = call_child(__name__, "run", str(folder), str(runs), str(batch), seconds=seconds)
    return load(folder), CrowdCourse(**json.loads(told))


def carry_out(folder: Path, count: int, batch: int) -> CrowdCourse:
    """Carry out many runs over one source at the same time in this process."""
    echoes.register()
    store = DiskStore(folder / "store")
    request = _take_case(folder, store)
    runs = [LocalRun(request, store, container=f"runs{number}") for number in range(count)]
    for run in runs:
        run.use(Budget(batch))
    with ThreadPoolExecutor(count) as pool:
        plans = [*pool.map(LocalRun.plan, runs)]
        planned = peak_mib()
        [*pool.map(LocalRun.work_off, runs, plans)]
        worked = peak_mib()
        ends = [*pool.map(LocalRun.finalize, runs)]
    failed = [end.items.failed for end in ends]
    return CrowdCourse([end.outcome for end in ends], failed, planned, worked, peak_mib())


def _take_case(folder: Path, store: DiskStore) -> RunRequest:
    """Have the bytes of a case in a store, and not in memory."""
    hostile = load(folder)
    store.write("inbox", "data", hostile.data)
    return RunRequest.model_validate(hostile.request)


def main() -> None:
    """Make a case, or run over it."""
    logging.disable()
    action, *rest = sys.argv[1:]
    if action == "make":
        case, seed, batch, folder = rest
        random = Random(int(seed))
        is_known = case in CASES
        save(CASES[case](random) if is_known else CROWDS[case](random, int(batch)), Path(folder))
        return
    folder, count, batch = rest
    print(json.dumps(asdict(carry_out(Path(folder), int(count), int(batch)))))


if __name__ == "__main__":
    main()
