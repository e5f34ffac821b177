"""Spans of a run: its start, the run, each activity of it, and some of its items.

Orchestrators replay, so they make none. The start's span goes with the run through its messages,
as a W3C `traceparent`; the run's own is made when the run has ended, and is the parent of all
activities by an id that follows from the trace, the run and the attempt. An activity that is
carried out again makes its span again, with the id it had.

Source: https://www.w3.org/TR/trace-context/
"""

import hashlib
import json
import re
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, nullcontext
from datetime import datetime
from typing import TYPE_CHECKING, Any

from fanout.adapters.telemetry import metrics, otel
from fanout.adapters.telemetry.logs import Invocation, host_trace, logged
from fanout.naming import functions
from fanout.redaction import redacted

if TYPE_CHECKING:
    from opentelemetry.context import Context
    from opentelemetry.trace import Span

_TRACE_PARENT = re.compile(r"[0-9a-f]{2}-([0-9a-f]{32})-([0-9a-f]{16})-([0-9a-f]{2})")
_BATCHES = {functions.PROCESS_BATCH, functions.COMPENSATE_BATCH}
_TOLD = ("partition", "batch", "span", "retry_round", "number", "level", "mode", "step")
NANOSECONDS = 1_000_000_000


@contextmanager
def started(run_id: str, attempt: int) -> Iterator[str | None]:
    """Make the span of a start; gives the `traceparent` to send along, if anybody listens."""
    to = otel.otel()
    if to is None:
        yield None
        return
    about: dict[str, str | int] = {"fanout.run_id": run_id, "fanout.attempt": attempt}
    parent = _remote(host_trace())
    span = to.tracer.start_span("start run", parent, attributes=about)
    with _current(span):
        yield _trace_parent(span)


@contextmanager
def invoked(context: Invocation, ref: Mapping[str, Any]) -> Iterator[None]:
    """Carry out an activity: its log lines have ids, and it has a span.

    Args:
        context: What the Functions worker hands to a function.
        ref: The activity's input; of a step of a saga, the batch has the run.
    """
    batch = ref["batch"] if isinstance(ref.get("batch"), Mapping) else ref
    run_id, trace = batch["run_id"], batch.get("trace")
    at_work = _counted() if context.function_name in _BATCHES else nullcontext()
    with logged(context, run_id, trace), at_work, _activity(context.function_name, ref, batch):
        yield


@contextmanager
def _counted() -> Iterator[None]:
    otel.tell(metrics.BATCHES_IN_FLIGHT, 1)
    try:
        yield
    finally:
        otel.tell(metrics.BATCHES_IN_FLIGHT, -1)


@contextmanager
def _activity(name: str, ref: Mapping[str, Any], batch: Mapping[str, Any]) -> Iterator[None]:
    to, trace = otel.otel(), batch.get("trace")
    if to is None or trace is None:
        yield
        return
    run_id, attempt = batch["run_id"], batch.get("attempt", 1)
    about = {"fanout.run_id": run_id, "fanout.attempt": attempt}
    about |= {f"fanout.{key}": v for key in _TOLD if isinstance(v := ref.get(key), int | str)}
    if batch is not ref:
        about |= {f"fanout.{key}": batch[key] for key in ("partition", "retry_round")}
    with otel.span_id(_derived(trace, name, json.dumps(ref, sort_keys=True))):
        span = to.tracer.start_span(name, _below_run(trace, run_id, attempt), attributes=about)
    with _current(span):
        yield


@contextmanager
def _current(span: "Span") -> Iterator[None]:
    """Make a span the current one until its work has ended.

    What is raised is told without its secrets; the SDK would send the exception as it is.
    """
    from opentelemetry.trace import Status, StatusCode, use_span

    with use_span(span, end_on_exit=True, record_exception=False, set_status_on_exception=False):
        try:
            yield
        except Exception as error:
            failure = redacted(f"{type(error).__name__}: {error}")
            span.set_status(Status(StatusCode.ERROR, failure))
            raise


def tell_of_run(
    trace: str,
    run_id: str,
    attempt: int,
    times: tuple[str, str],
    about: Mapping[str, str | int],
    failure: str | None,
) -> None:
    """Make the span of a run that has ended.

    Args:
        trace: That of its start.
        run_id: Which run.
        attempt: Which attempt of it.
        times: When it began and ended, ISO 8601.
        about: Further attributes.
        failure: Why it failed, if it did.
    """
    from opentelemetry.trace import Status, StatusCode

    to = otel.otel()
    if to is None:
        return
    begun, ended = (_nanoseconds(moment) for moment in times)
    told = {"fanout.run_id": run_id, "fanout.attempt": attempt, **about}
    with otel.span_id(_run_span(trace, run_id, attempt)):
        span = to.tracer.start_span("run", _remote(trace), attributes=told, start_time=begun)
    if failure is not None:
        span.set_status(Status(StatusCode.ERROR, failure))
    span.end(ended)


def tell_of_item(item_id: str, attempts: int, duration_ms: float, failure: str | None) -> None:
    """Make the span of an item that has just been tried, below that of its batch."""
    from opentelemetry.trace import Status, StatusCode

    to = otel.otel()
    if to is None:
        return
    now = time.time_ns()
    about: dict[str, str | int] = {"fanout.item_id": item_id, "fanout.attempts": attempts}
    begun = now - int(duration_ms * 1_000_000)
    span = to.tracer.start_span("item", attributes=about, start_time=begun)
    if failure is not None:
        span.set_status(Status(StatusCode.ERROR, failure))
    span.end(now)


def _remote(trace: str | None) -> "Context | None":
    """The context below a `traceparent`; None, which is the current one, where it is none."""
    found = _TRACE_PARENT.fullmatch(trace) if trace else None
    if found is None:
        return None
    return _below(int(found[1], 16), int(found[2], 16), int(found[3], 16))


def _below_run(trace: str, run_id: str, attempt: int) -> "Context | None":
    found = _TRACE_PARENT.fullmatch(trace)
    if found is None:
        return None
    return _below(int(found[1], 16), _run_span(trace, run_id, attempt), int(found[3], 16))


def _below(trace_id: int, parent: int, flags: int) -> "Context":
    from opentelemetry.trace import (
        NonRecordingSpan,
        SpanContext,
        TraceFlags,
        set_span_in_context,
    )

    above = SpanContext(trace_id, parent, is_remote=True, trace_flags=TraceFlags(flags))
    return set_span_in_context(NonRecordingSpan(above))


def _run_span(trace: str, run_id: str, attempt: int) -> int:
    return _derived(trace, run_id, str(attempt))


def _derived(*parts: str) -> int:
    """An id that follows from what it is of; never 0, which is none."""
    digest = hashlib.sha256("\n".join(parts).encode()).digest()
    return int.from_bytes(digest[:8], "big") or 1


def _trace_parent(span: "Span") -> str:
    found = span.get_span_context()
    return f"00-{found.trace_id:032x}-{found.span_id:016x}-{int(found.trace_flags):02x}"


def _nanoseconds(moment: str) -> int:
    return int(datetime.fromisoformat(moment).timestamp() * NANOSECONDS)
