"""Orders per second through the whole product, and how the time grows with their number.

The ledgers are tables of Azurite, and messages go to the development broker: what is measured is a
laptop. The same load without Fanout (the same steps, called one after the other by two processes)
tells how much of it is the ledgers'.
"""

import json
import os
import time
from concurrent.futures import ProcessPoolExecutor
from dataclasses import asdict, dataclass
from logging import getLogger
from pathlib import Path
from typing import Any

from bench.host import MeasuredHost, run_host
from bench.measure import growth_exponent, save, show
from samples.orders import OrderSample, make_orders

ROOT = Path(__file__).parents[1]
SIZES = tuple(int(n) for n in os.environ.get("BENCH_SIZES", "100 500 5000").split())
BARE_SIZES = tuple(n for n in SIZES if n >= 500)
RATE_BUDGET = 0.9
WORKERS = int(os.environ.get("BENCH_WORKERS", "2"))
EXAMPLE = json.loads((ROOT / "local.settings.json.example").read_text())["Values"]
SETTINGS = EXAMPLE | {"FANOUT_SERVICE_BUS": "UseDevelopmentServiceBus=true"}


@dataclass
class Measurement:
    """One run: orders, seconds from POST to `done`, orders per second, how many were shipped."""

    orders: int
    seconds: float
    rate: float
    shipped: int


def run(host: MeasuredHost, workload: str, items: list[dict[str, Any]]) -> tuple[float, int]:
    """Run a workload over items; return its seconds, and how many succeeded."""
    lines = "".join(json.dumps(item) + "\n" for item in items)
    host.container("inbox").upload_blob(f"{workload}.jsonl", lines.encode(), overwrite=True)
    request = {
        "workload": workload,
        "run_id": f"bench-{workload}",
        "source": {"kind": "jsonl", "container": "inbox", "blob": f"{workload}.jsonl"},
        "tolerance": {"percentage": 100},
    }
    seconds, state = host.run(request)
    counts = state["items"]
    if counts["pending"] or counts["compensation_failed"] or counts["total"] != len(items):
        raise SystemExit(f"the run ended {state['outcome']}: {counts}")
    return seconds, counts["succeeded"]


def ship_bare(environment: dict[str, str], orders: list[dict[str, Any]]) -> int:
    """Take orders through their steps in this process; return how many were shipped."""
    os.environ.update(environment)
    from fanout.errors import PermanentError
    from fanout.workload import StepContext
    from workloads.orders.order import Order
    from workloads.orders.parameters import OrderParameters
    from workloads.orders.workload import Orders

    steps, shipped = Orders().steps, 0
    for item in orders:
        order, outputs = Order.model_validate(item), {}
        keys = {step.name: f"bare/{order.id}/{step.name}" for step in steps}
        try:
            for step in steps:
                context = StepContext(
                    run_id="bare",
                    idempotency_key=keys[step.name],
                    attempt=1,
                    parameters=OrderParameters(),
                    logger=getLogger(),
                    outputs=outputs,
                    keys=keys,
                )
                outputs[step.name] = step.do(order, context)
        except PermanentError:
            continue
        shipped += 1
    return shipped


def measure_bare(sample: OrderSample) -> Measurement:
    """Take the orders through their steps by two processes, without Fanout and with its ledgers."""
    with run_host(ROOT, "--workers", "2", environment=SETTINGS) as host:
        run(host, "receipts", sample.receipts)
        stack = json.loads((host.data / "stack.json").read_text())
        environment = {name: stack[name] for name in ("FANOUT_STORAGE", "FANOUT_SERVICE_BUS")}
        start = time.perf_counter()
        with ProcessPoolExecutor(2) as pool:
            halves = [pool.submit(ship_bare, environment, sample.orders[n::2]) for n in range(2)]
            shipped = sum(half.result() for half in halves)
        seconds = time.perf_counter() - start
    return Measurement(len(sample.orders), seconds, len(sample.orders) / seconds, shipped)


def measure() -> list[Measurement]:
    """Run each size on a host of its own."""
    runs = []
    for n in SIZES:
        sample = make_orders(n)
        with run_host(ROOT, "--workers", str(WORKERS), environment=SETTINGS) as host:
            run(host, "receipts", sample.receipts)
            seconds, shipped = run(host, "orders", sample.orders)
        runs.append(Measurement(n, seconds, n / seconds, shipped))
        print(f"  {n:>6,} orders: {seconds:.1f} s, {n / seconds:.1f} /s", flush=True)
    return runs


def _cells(measurement: Measurement, name: str) -> list[str]:
    numbers = [f"{measurement.seconds:.1f}", f"{measurement.rate:.1f}", f"{measurement.shipped:,}"]
    return [name, f"{measurement.orders:,}", *numbers]


def main() -> None:
    """Measure, print and save."""
    runs = measure()
    bare = [measure_bare(make_orders(n)) for n in BARE_SIZES]
    columns = ["contender", "orders", "seconds", "orders/s", "shipped"]
    rows = [_cells(measurement, "fanout") for measurement in runs]
    rows += [_cells(each, "the same steps, bare") for each in bare]
    show("Orders, end to end", columns, rows)
    if len(runs) > 1:
        growth = growth_exponent({r.orders: r.seconds for r in runs})
        print(f"growth exponent: {growth:.2f}")
    rates = {r.orders: r.rate for r in runs}
    for each in bare:
        ratio = rates[each.orders] / each.rate
        print(
            f"of the bare steps' throughput at {each.orders:,}: {ratio:.2f}, budget {RATE_BUDGET}"
        )
    figures = {"runs": [asdict(r) for r in runs], "bare": [asdict(each) for each in bare]}
    print(f"saved {save('orders', figures)}")
