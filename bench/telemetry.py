"""What telemetry costs: the same run with nobody listening and with a collector, in turns.

The collector is a process of its own that takes OTLP over HTTP, as an agent beside the app does,
and reads what comes; so what it takes of the cores is part of the price.
"""

import contextlib
import gzip
import json
import multiprocessing
import os
import statistics
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

from bench.host import MeasuredHost, run_host
from bench.measure import save, show
from bench.million import APP, make_request, upload
from bench.orders import SETTINGS
from samples.orders import make_orders

ROOT = Path(__file__).parents[1]
ROUNDS = int(os.environ.get("BENCH_ROUNDS", "5"))
ITEMS = int(os.environ.get("BENCH_ITEMS", "100000"))
ORDERS = int(os.environ.get("BENCH_ORDERS", "200"))
WORKERS = os.environ.get("BENCH_WORKERS", "2")
POLL_SECONDS = 0.1
RATE_BUDGET = 0.9


@dataclass
class Side:
    """Runs on one host: seconds from POST to `done`, and processor seconds, of each round."""

    seconds: list[float] = field(default_factory=list)
    cpu_seconds: list[float] = field(default_factory=list)


@dataclass
class Comparison:
    """The same run without telemetry and with it; spans are those that came."""

    name: str
    off: Side = field(default_factory=Side)
    on: Side = field(default_factory=Side)
    spans: int = 0

    @property
    def rate(self) -> float:
        """The throughput with telemetry over that without: the median of the rounds' ratios."""
        pairs = zip(self.off.seconds, self.on.seconds, strict=True)
        return statistics.median(off / on for off, on in pairs)

    @property
    def cpu(self) -> float:
        """Processor seconds without telemetry over those with it, likewise."""
        pairs = zip(self.off.cpu_seconds, self.on.cpu_seconds, strict=True)
        return statistics.median(off / on for off, on in pairs)


class _Collector(BaseHTTPRequestHandler):
    """Takes OTLP by protobuf over HTTP, and counts spans.

    Source: https://opentelemetry.io/docs/specs/otlp/#otlphttp
    """

    protocol_version = "HTTP/1.1"
    counter: Any

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        if self.headers.get("Content-Encoding") == "gzip":
            body = gzip.decompress(body)
        if self.path == "/v1/traces":
            with self.counter.get_lock():
                self.counter.value += _count_spans(body)
        self.send_response(200)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, *_: Any) -> None:
        """Nothing of it is of interest."""


def _count_spans(body: bytes) -> int:
    from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

    resources = ExportTraceServiceRequest.FromString(body).resource_spans
    return sum(len(scope.spans) for resource in resources for scope in resource.scope_spans)


def _serve(counter: Any, ports: Any) -> None:
    _Collector.counter = counter
    with ThreadingHTTPServer(("127.0.0.1", 0), _Collector) as server:
        ports.put(server.server_port)
        server.serve_forever()


@contextlib.contextmanager
def collect() -> Iterator[tuple[str, Any]]:
    """Run a collector; gives its address, and the number of spans that came so far."""
    context = multiprocessing.get_context("spawn")
    counter, ports = context.Value("q", 0), context.Queue()
    process = context.Process(target=_serve, args=(counter, ports), daemon=True)
    process.start()
    try:
        yield f"http://127.0.0.1:{ports.get(timeout=30)}", counter
    finally:
        process.terminate()
        process.join()


Prepare = Callable[[MeasuredHost], None]
Ask = Callable[[int], dict[str, Any]]


def compare(
    name: str, app: Path, settings: dict[str, str], prepare: Prepare, ask: Ask
) -> Comparison:
    """Carry out a run in turns on a host without telemetry and on one with it."""
    comparison = Comparison(name)
    with collect() as (address, counter):
        traced = settings | {"OTEL_EXPORTER_OTLP_ENDPOINT": address}
        with (
            run_host(app, "--workers", WORKERS, environment=settings) as off,
            run_host(app, "--workers", WORKERS, environment=traced) as on,
        ):
            prepare(off)
            prepare(on)
            for number in range(ROUNDS + 1):
                is_counted = number > 0  # the first of each loads what the others find
                _run(off, ask(number), comparison.off if is_counted else Side())
                _run(on, ask(number), comparison.on if is_counted else Side())
                print(f"  {name}: round {number} of {ROUNDS}", flush=True)
        comparison.spans = counter.value
    return comparison


def _run(host: MeasuredHost, request: dict[str, Any], side: Side) -> None:
    before = host.cpu_seconds()
    seconds, state = host.run(request, POLL_SECONDS)
    if state["items"]["pending"] or state["outcome"] == "failed":
        raise SystemExit(f"the run ended {state['outcome']}: {state['items']}")
    side.seconds.append(seconds)
    side.cpu_seconds.append(host.cpu_seconds() - before)


def compare_items() -> Comparison:
    """Compare runs of many items that do nothing."""

    def prepare(host: MeasuredHost) -> None:
        upload(host, ITEMS)

    def ask(number: int) -> dict[str, Any]:
        return make_request(f"items-{number}", f"items-{ITEMS}.jsonl")

    return compare(f"{ITEMS:,} items", APP, {}, prepare, ask)


def compare_orders() -> Comparison:
    """Compare runs of orders; every round finds as many goods and as much money as the first."""
    sample = make_orders(ORDERS)

    def prepare(host: MeasuredHost) -> None:
        receipts = [
            receipt | {"id": f"{receipt['id']}-{number}"}
            for number in range(ROUNDS + 1)
            for receipt in sample.receipts
        ]
        host.run(_request(host, "receipts", receipts) | {"run_id": "receipts"})
        _request(host, "orders", sample.orders)

    def ask(number: int) -> dict[str, Any]:
        return _over_blob("orders") | {"run_id": f"orders-{number}"}

    return compare(f"{ORDERS:,} orders", ROOT, SETTINGS, prepare, ask)


def _request(host: MeasuredHost, workload: str, items: list[dict[str, Any]]) -> dict[str, Any]:
    """Put items into a blob; gives the request for a run over them."""
    lines = "".join(json.dumps(item) + "\n" for item in items)
    blob = host.container("inbox").get_blob_client(f"{workload}.jsonl")
    blob.upload_blob(lines.encode(), overwrite=True)
    return _over_blob(workload)


def _over_blob(workload: str) -> dict[str, Any]:
    source = {"kind": "jsonl", "container": "inbox", "blob": f"{workload}.jsonl"}
    return {"workload": workload, "source": source, "tolerance": {"percentage": 100}}


def _cells(comparison: Comparison) -> list[str]:
    off, on = comparison.off, comparison.on
    medians = [statistics.median(s) for s in (off.seconds, on.seconds)]
    medians += [statistics.median(s) for s in (off.cpu_seconds, on.cpu_seconds)]
    numbers = [f"{median:.2f}" for median in medians]
    ratios = [f"{comparison.rate:.2f}", f"{comparison.cpu:.2f}"]
    return [comparison.name, *numbers, *ratios, f"{comparison.spans:,}"]


def main() -> None:
    """Measure, print beside the budget and save."""
    comparisons = [compare_items(), compare_orders()]
    columns = ["run", "s off", "s on", "CPU off", "CPU on", "rate", "CPU ratio", "spans"]
    show("Telemetry off and on", columns, [_cells(each) for each in comparisons])
    print(f"throughput with telemetry over that without: budget {RATE_BUDGET}")
    print(f"saved {save('telemetry', {'comparisons': [asdict(each) for each in comparisons]})}")
