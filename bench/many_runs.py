"""A thousand runs of one item each: how fast they are accepted and finished, and what one costs.

Sixteen callers POST them at once, each over a connection of its own; the app has its settings'
defaults, so sixteen runs go on at a time. What the app asks of storage is read from the log of an
Azurite, which is not part of the processor time. Runs that have not ended are looked for in the
host, which asks no storage.
"""

import argparse
import itertools
import statistics
import threading
import time
from collections import Counter
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from dataclasses import asdict, dataclass
from typing import Any

from bench.host import HostClient, MeasuredHost, run_host
from bench.measure import save, show
from bench.million import APP, DURABLE
from bench.storage_log import LoggedStorage, count_sorts, run_storage

RUNS = 1_000
CALLERS = 16
WARM_UPS = 20
POLL_SECONDS = 0.25
UNFINISHED = f"{DURABLE}/instances?runtimeStatus=Pending,Running&top=1&showInput=false"


@dataclass(frozen=True)
class Measurement:
    """What so many runs came to; times in seconds.

    Attributes:
        runs: How many there were.
        accepted_a_second: By the time from the first POST to the last answer.
        post_p50: The median of a POST.
        post_p95: What 95 of 100 POSTs take at most.
        finished_a_second: By the time from the first POST to the last end.
        cpu_of_app: Processor time of a run in the app's worker.
        cpu_of_host: Processor time of a run in the host.
        operations: Requests of a run to storage.
        peak_mib: Most memory of app and host.
    """

    runs: int
    accepted_a_second: float
    post_p50: float
    post_p95: float
    finished_a_second: float
    cpu_of_app: float
    cpu_of_host: float
    operations: float
    peak_mib: float


def main(words: Sequence[str] = ()) -> None:
    """Measure, print beside the budgets and save."""
    options = _parse_options(words)
    with (
        run_storage() as storage,
        run_host(APP, "--no-stack", environment=storage.settings(APP)) as host,
    ):
        _post_all(host.port, WARM_UPS)
        _wait_for_all(host)
        measurement, sorts = _measure(host, storage, options.runs)
        _require_all(host, options.runs + WARM_UPS)
    _show(measurement, sorts, lists_requests=options.requests)
    print(f"saved {save('many_runs', asdict(measurement))}")


def _parse_options(words: Sequence[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m bench many_runs", description=__doc__)
    parser.add_argument("--runs", type=int, default=RUNS, help="how many (default %(default)s)")
    parser.add_argument(
        "--requests", action="store_true", help="list what is asked of storage, by sort"
    )
    return parser.parse_args(words)


def _measure(
    host: MeasuredHost, storage: LoggedStorage, runs: int
) -> tuple[Measurement, Counter[str]]:
    mark, cpu_before, start = storage.position(), host.cpu_seconds_each(), time.perf_counter()
    posts = _post_all(host.port, runs)
    accepted = time.perf_counter() - start
    _wait_for_all(host)
    finished = time.perf_counter() - start
    cpu = [
        after - before for after, before in zip(host.cpu_seconds_each(), cpu_before, strict=True)
    ]
    requests = storage.operations(mark)
    measurement = Measurement(
        runs=runs,
        accepted_a_second=runs / accepted,
        post_p50=statistics.median(posts),
        post_p95=statistics.quantiles(posts, n=20)[-1],
        finished_a_second=runs / finished,
        cpu_of_app=sum(cpu[1:]) / runs,
        cpu_of_host=cpu[0] / runs,
        operations=len(requests) / runs,
        peak_mib=host.peak_mib(),
    )
    return measurement, count_sorts(requests)


def _post_all(port: int, runs: int) -> list[float]:
    """POST so many runs by all callers; gives the seconds that each POST took."""
    numbers, lock = itertools.count(), threading.Lock()

    def call() -> list[float]:
        seconds = []
        with closing(HostClient(port)) as client:
            while True:
                with lock:
                    number = next(numbers)
                if number >= runs:
                    return seconds
                seconds.append(_post(client))

    with ThreadPoolExecutor(CALLERS) as pool:
        calls = [pool.submit(call) for _ in range(CALLERS)]
        return [seconds for each in calls for seconds in each.result()]


def _post(client: HostClient) -> float:
    source = {"kind": "inline", "items": [{"id": 1, "text": "x" * 60}]}
    request = {"workload": "nothing", "source": source}
    start = time.perf_counter()
    status, answer = client.request("POST", "/api/runs", request)
    if status != 202:
        raise SystemExit(f"a run was refused: {answer}")
    return time.perf_counter() - start


def _wait_for_all(host: MeasuredHost) -> None:
    while host.request("GET", UNFINISHED)[1]:
        time.sleep(POLL_SECONDS)


def _require_all(host: MeasuredHost, runs: int) -> None:
    """Require that each run succeeded."""
    succeeded: set[str] = set()
    continuation: str | None = ""
    while continuation is not None:
        path = f"/api/runs?outcome=succeeded&limit=100&continuation={continuation}"
        page: dict[str, Any] = host.request("GET", path)[1]
        succeeded |= {run["run_id"] for run in page["runs"]}
        continuation = page["continuation"]
    if len(succeeded) != runs:
        raise SystemExit(f"{len(succeeded)} of {runs} runs succeeded")


def _show(measured: Measurement, sorts: Counter[str], *, lists_requests: bool) -> None:
    cpu = measured.cpu_of_app + measured.cpu_of_host
    rows = [
        ("accepted a second", f"{measured.accepted_a_second:.1f}", "at least 60"),
        ("POST, p50, ms", f"{measured.post_p50 * 1000:.0f}", ""),
        ("POST, p95, ms", f"{measured.post_p95 * 1000:.0f}", ""),
        ("finished a second", f"{measured.finished_a_second:.1f}", "at least 25"),
        ("processor time of a run, ms", f"{cpu * 1000:.0f}", "at most 120"),
        ("  of the app", f"{measured.cpu_of_app * 1000:.0f}", ""),
        ("  of the host", f"{measured.cpu_of_host * 1000:.0f}", ""),
        ("storage operations of a run", f"{measured.operations:.1f}", "at most 15"),
        ("peak memory, MiB", f"{measured.peak_mib:.0f}", ""),
    ]
    show(f"{measured.runs:,} runs of one item, {CALLERS} callers", ["", "is", "budget"], rows)
    if lists_requests:
        each = [(sort, f"{n / measured.runs:.2f}") for sort, n in sorts.most_common()]
        show("Requests of a run", ["request", "times"], each)


if __name__ == "__main__":
    main()
