"""An OTLP collector within the test's own process: it keeps every span and metric that comes."""

import gzip
import threading
from collections import defaultdict
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2 import (
    ExportMetricsServiceRequest,
)
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

Labels = frozenset[tuple[str, Any]]


@dataclass(frozen=True)
class Span:
    """A span as it came; ids are hexadecimal, `parent` is empty at the root."""

    trace: str
    id: str
    parent: str
    name: str
    about: dict[str, Any]
    begun: int
    ended: int
    is_error: bool


@dataclass
class Collector:
    """What has come so far.

    Attributes:
        points: Of each metric, the newest point by process and labels: counters are cumulative.
    """

    address: str = ""
    spans: list[Span] = field(default_factory=list)
    points: dict[str, dict[tuple[str, Labels], Any]] = field(
        default_factory=lambda: defaultdict(dict)
    )
    lock: threading.Lock = field(default_factory=threading.Lock)

    def named(self, name: str) -> list[Span]:
        with self.lock:
            return [span for span in self.spans if span.name == name]

    def total(self, metric: str, **labels: str) -> float:
        """What a counter has come to over all processes, by the labels that are named."""
        with self.lock:
            return sum(
                point.as_int or point.as_double
                for (_, found), point in self.points[metric].items()
                if labels.items() <= dict(found).items()
            )

    def histogram(self, metric: str, **labels: str) -> tuple[int, float]:
        """How many values a histogram has over all processes, and their sum."""
        with self.lock:
            found = [
                point
                for (_, named), point in self.points[metric].items()
                if labels.items() <= dict(named).items()
            ]
        return sum(point.count for point in found), sum(point.sum for point in found)

    def take_traces(self, body: bytes) -> None:
        for resource in ExportTraceServiceRequest.FromString(body).resource_spans:
            for scope in resource.scope_spans:
                with self.lock:
                    self.spans += map(_span, scope.spans)

    def take_metrics(self, body: bytes) -> None:
        for resource in ExportMetricsServiceRequest.FromString(body).resource_metrics:
            process = _attributes(resource.resource.attributes)["service.instance.id"]
            for scope in resource.scope_metrics:
                for metric in scope.metrics:
                    data = getattr(metric, metric.WhichOneof("data"))
                    for point in data.data_points:
                        labels = frozenset(_attributes(point.attributes).items())
                        with self.lock:
                            self.points[metric.name][process, labels] = point


def _span(span: Any) -> Span:
    return Span(
        trace=span.trace_id.hex(),
        id=span.span_id.hex(),
        parent=span.parent_span_id.hex(),
        name=span.name,
        about=_attributes(span.attributes),
        begun=span.start_time_unix_nano,
        ended=span.end_time_unix_nano,
        is_error=span.status.code == span.status.STATUS_CODE_ERROR,
    )


def _attributes(pairs: Any) -> dict[str, Any]:
    return {pair.key: getattr(pair.value, pair.value.WhichOneof("value")) for pair in pairs}


@contextmanager
def collecting() -> Iterator[Collector]:
    """Listen on a free port of loopback."""
    collector = Collector()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            if self.headers.get("Content-Encoding") == "gzip":
                body = gzip.decompress(body)
            take = {
                "/v1/traces": collector.take_traces,
                "/v1/metrics": collector.take_metrics,
            }[self.path]
            take(body)
            self.send_response(200)
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, *_: Any) -> None:
            """Nothing of it is of interest."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    collector.address = f"http://127.0.0.1:{server.server_port}"
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield collector
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
