"""A process that runs over generated blobs one after another, and says what each took.

Run as a program it takes the first number and how many; each answer is a line. It dies of a run
that takes too much processor time, and says where: a machine that is busy with others is no fault.
"""

import faulthandler
import json
import logging
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from random import Random
from typing import Any

from fanout.models.request import RunRequest
from tests.support.hostile import echoes
from tests.support.hostile.checked_runs import carry_out_unless_refused
from tests.support.hostile.generated.blobs import Blob, generate_blob
from tests.support.hostile.local_settings import local_settings
from tests.support.hostile.processes import MIB, begin_peak_anew, read_memory
from tests.support.replays.local_runs import LocalRun
from tests.support.workloads.probe_workloads import Listed

ROOT = Path(__file__).parents[4]
CPU_SECONDS = 30
CONTAINER = "inbox"
# A bomb may make far more, which would only be more of the same.
# Storage of a run is in memory here, and caches of the app hold that of the latest runs.
BLOBS_OF_A_PROCESS = 300
MOST_CUTS = 50


@dataclass(frozen=True)
class Ending:
    """How the run over a blob ended.

    Attributes:
        raised: What was raised, which nothing should be.
        lost: The good rows that have not succeeded.
        seconds: Of processor time.
        peak_mib: The most memory that the process had meanwhile, itself included.
    """

    blob: str
    refusal: str | None
    raised: str
    lost: list[str]
    outcome: str
    seconds: float
    peak_mib: int


def request_of(blob: Blob, container: str, name: str, workload: str) -> dict[str, Any]:
    """What asks for a run over a blob."""
    source: dict[str, Any] = {"container": container}
    if blob.is_picture:
        return {
            "workload": "images",
            "source": source | {"kind": "listing", "prefix": name},
            "tolerance": {"percentage": 100},
        }
    return {
        "workload": workload,
        "source": source | {"blob": name} | blob.read,
        "tolerance": {"percentage": 100},
        "retry": {"max_attempts": 1},
    }


def choose_workload(blob: Blob, number: int) -> str:
    """The one that takes every name, where good rows have to succeed; else any."""
    return Listed.name if blob.good else Random(number).choice([Listed.name, "echo", "reports"])


def run_apart(first: int, count: int) -> Iterator[Ending]:
    """Run over blobs in processes of their own.

    Raises:
        AssertionError: One died; that says of what.
    """
    for begin in range(first, first + count, BLOBS_OF_A_PROCESS):
        some = min(BLOBS_OF_A_PROCESS, first + count - begin)
        command = [sys.executable, "-m", __name__, str(begin), str(some)]
        done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
        for line in done.stdout.splitlines():
            yield Ending(**json.loads(line))
        assert done.returncode == 0, done.stderr[-4000:]


def run_over(number: int) -> Ending:
    """Run over the blob of a number in this process."""
    blob = generate_blob(number)
    begin_peak_anew()
    began_at = time.process_time()
    refusal, raised, outcome, lost = None, "", "", sorted(blob.good)
    try:
        run = _run(blob, number)
        refusal = carry_out_unless_refused(run, MOST_CUTS)
        if refusal is None:
            outcome = run.finalize().outcome
            succeeded = {one.item_id for one in run.outcomes() if one.status == "succeeded"}
            lost = [name for name in lost if name not in succeeded]
    except Exception as error:
        raised = f"{type(error).__name__}: {error}"[:500]
    seconds = time.process_time() - began_at
    return Ending(blob.kind, refusal, raised, lost, outcome, seconds, read_memory("VmHWM") // MIB)


def _run(blob: Blob, number: int) -> LocalRun:
    request = request_of(blob, CONTAINER, "data", choose_workload(blob, number))
    run = LocalRun(RunRequest.model_validate(request))
    run.store.write(CONTAINER, "data", blob.data)
    return run


def main() -> None:
    """Run over so many blobs."""
    logging.disable()
    echoes.register()
    first, count = map(int, sys.argv[1:])
    faulthandler.register(signal.SIGPROF, chain=True)  # it ends the process
    with local_settings():
        for number in range(first, first + count):
            signal.setitimer(signal.ITIMER_PROF, CPU_SECONDS)
            print(json.dumps(asdict(run_over(number))), flush=True)


if __name__ == "__main__":
    main()
