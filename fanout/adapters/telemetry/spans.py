"""Spans of a run: its start, the run, each activity of it, and some of its items.

Orchestrators replay, so they make none. The start's span goes with the run through its messages,
as a W3C `traceparent`; the run's own is made when the run has ended, and is the parent of all
activities by an id that follows from the trace, the run and the attempt. An activity that is
carried out again makes its span again, with the id it had.

Source: https://www.w3.org/TR/trace-context/
"""

import hashlib
import json
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, nullcontext
from datetime import datetime
from typing import TYPE_CHECKING, Any

from fanout.adapters.telemetry import metrics, otel
from fanout.adapters.telemetry.logs import Invocation, bind_invocation, host_trace
from fanout.adapters.telemetry.trace_parent import TraceParent
from fanout.naming import functions
from fanout.printable import describe_failure
from fanout.redaction import redact_secrets

if TYPE_CHECKING:
    from opentelemetry.context import Context
    from opentelemetry.trace import Span

_BATCHES = {functions.PROCESS_BATCH, functions.COMPENSATE_BATCH}
_ATTRIBUTE_FIELDS = {
    "fanout.partition": "partition",
    "fanout.batch": "first_cut",
    "fanout.span": "span",
    "fanout.retry_round": "retry_round",
    "fanout.number": "number",
    "fanout.level": "level",
    "fanout.mode": "mode",
    "fanout.step": "step",
}
NANOSECONDS = 1_000_000_000


@contextmanager
def trace_start(run_id: str, attempt: int) -> Iterator[str | None]:
    """Make the span of the start of a run; gives the `traceparent` to send along, or None."""
    sink = otel.otel()
    if sink is None:
        yield None
        return
    attributes: dict[str, str | int] = {"fanout.run_id": run_id, "fanout.attempt": attempt}
    parent = _remote_context(host_trace())
    span = sink.tracer.start_span("start run", parent, attributes=attributes)
    with _use_span(span):
        yield _trace_parent(span)


@contextmanager
def trace_activity(context: Invocation, ref: Mapping[str, Any]) -> Iterator[None]:
    """Carry out an activity: its log lines have ids, and it has a span.

    Args:
        context: What the Functions worker hands to a function.
        ref: The activity's input; of a step of a saga, the batch has the run.
    """
    batch = ref["batch"] if isinstance(ref.get("batch"), Mapping) else ref
    run_id, trace = batch["run_id"], batch.get("trace")
    batch_count = _count_batch() if context.function_name in _BATCHES else nullcontext()
    with (
        bind_invocation(context, run_id, trace),
        batch_count,
        _activity_span(context.function_name, ref, batch),
    ):
        yield


@contextmanager
def _count_batch() -> Iterator[None]:
    otel.record_metric(metrics.BATCHES_IN_FLIGHT, 1)
    try:
        yield
    finally:
        otel.record_metric(metrics.BATCHES_IN_FLIGHT, -1)


@contextmanager
def _activity_span(name: str, ref: Mapping[str, Any], batch: Mapping[str, Any]) -> Iterator[None]:
    sink, trace = otel.otel(), batch.get("trace")
    if sink is None or trace is None:
        yield
        return
    run_id, attempt = batch["run_id"], batch.get("attempt", 1)
    attributes = {"fanout.run_id": run_id, "fanout.attempt": attempt}
    fields = ((name, ref.get(field)) for name, field in _ATTRIBUTE_FIELDS.items())
    attributes |= {name: value for name, value in fields if isinstance(value, int | str)}
    if batch is not ref:
        attributes |= {f"fanout.{key}": batch[key] for key in ("partition", "retry_round")}
    with otel.span_id(_derive_id(trace, name, json.dumps(ref, sort_keys=True))):
        run = _run_context(trace, run_id, attempt)
        span = sink.tracer.start_span(name, run, attributes=attributes)
    with _use_span(span):
        yield


@contextmanager
def _use_span(span: "Span") -> Iterator[None]:
    """Make a span the current one until its work has ended.

    The span says without secrets what was raised; the SDK would send the exception as it is.
    """
    from opentelemetry.trace import Status, StatusCode, use_span

    with use_span(span, end_on_exit=True, record_exception=False, set_status_on_exception=False):
        try:
            yield
        except Exception as error:
            failure = redact_secrets(describe_failure(error))
            span.set_status(Status(StatusCode.ERROR, failure))
            raise


def record_run_span(
    trace: str,
    run_id: str,
    attempt: int,
    times: tuple[str, str],
    extra_attributes: Mapping[str, str | int],
    failure: str | None,
) -> None:
    """Make the span of a run that has ended.

    Args:
        trace: That of its start.
        run_id: Which run.
        attempt: Which attempt of it.
        times: When it began and ended, ISO 8601.
        extra_attributes: Further attributes.
        failure: Why it failed, if it did.
    """
    from opentelemetry.trace import Status, StatusCode

    sink = otel.otel()
    if sink is None:
        return
    started_ns, ended_ns = (_nanoseconds(moment) for moment in times)
    attributes = {"fanout.run_id": run_id, "fanout.attempt": attempt, **extra_attributes}
    with otel.span_id(_run_span_id(trace, run_id, attempt)):
        span = sink.tracer.start_span(
            "run", _remote_context(trace), attributes=attributes, start_time=started_ns
        )
    if failure is not None:
        span.set_status(Status(StatusCode.ERROR, failure))
    span.end(ended_ns)


def record_item_span(item_id: str, attempts: int, duration_ms: float, failure: str | None) -> None:
    """Make the span of an item that has just been tried, below that of its batch."""
    from opentelemetry.trace import Status, StatusCode

    sink = otel.otel()
    if sink is None:
        return
    now_ns = time.time_ns()
    attributes: dict[str, str | int] = {"fanout.item_id": item_id, "fanout.attempts": attempts}
    started_ns = now_ns - int(duration_ms * 1_000_000)
    span = sink.tracer.start_span("item", attributes=attributes, start_time=started_ns)
    if failure is not None:
        span.set_status(Status(StatusCode.ERROR, failure))
    span.end(now_ns)


def _remote_context(trace: str | None) -> "Context | None":
    """The context below a `traceparent`; None, which is the current one, where it is none."""
    parent = TraceParent.parse(trace)
    return _context_below(parent) if parent is not None else None


def _run_context(trace: str, run_id: str, attempt: int) -> "Context | None":
    parent = TraceParent.parse(trace)
    if parent is None:
        return None
    return _context_below(parent._replace(span_id=_run_span_id(trace, run_id, attempt)))


def _context_below(parent: TraceParent) -> "Context":
    from opentelemetry.trace import (
        NonRecordingSpan,
        SpanContext,
        TraceFlags,
        set_span_in_context,
    )

    context = SpanContext(
        parent.trace_id, parent.span_id, is_remote=True, trace_flags=TraceFlags(parent.flags)
    )
    return set_span_in_context(NonRecordingSpan(context))


def _run_span_id(trace: str, run_id: str, attempt: int) -> int:
    return _derive_id(trace, run_id, str(attempt))


def _derive_id(*parts: str) -> int:
    """An id that follows from what it is of; never 0, which is none."""
    digest = hashlib.sha256("\n".join(parts).encode()).digest()
    return int.from_bytes(digest[:8], "big") or 1


def _trace_parent(span: "Span") -> str:
    context = span.get_span_context()
    return str(TraceParent(context.trace_id, context.span_id, int(context.trace_flags)))


def _nanoseconds(moment: str) -> int:
    return int(datetime.fromisoformat(moment).timestamp() * NANOSECONDS)
