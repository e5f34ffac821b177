"""The end of a run, announced to telemetry: once, whatever is carried out again.

Who announces it first claims that by a blob; so the counts are exact. What is claimed is sent at
once, not with the next interval: a process that dies in between would lose it.
"""

import secrets
from collections.abc import Callable
from datetime import datetime
from threading import Lock, Thread

from fanout.adapters.blob import BlobExistsError
from fanout.adapters.run_files.files import RunFiles, kept_request
from fanout.adapters.telemetry import metrics
from fanout.adapters.telemetry.otel import FLUSH_SECONDS, otel, record_metric
from fanout.adapters.telemetry.spans import record_run_span
from fanout.messages.ending import EndedRun, RunFacts
from fanout.models.outcome import GIVEN_UP, ItemStatus
from fanout.naming import blob_paths

ENDS: tuple[ItemStatus, ...] = ("succeeded", *GIVEN_UP)


class Sending:
    """What was announced is on its way, or there was nothing to announce."""

    def __init__(self, thread: Thread | None = None) -> None:
        self._thread = thread

    def wait(self, seconds: float = FLUSH_SECONDS) -> bool:
        """Wait until it has been sent, no longer than that; tell whether it has.

        Who takes it may be down, and the exporters keep to no limit of ours.
        """
        if self._thread is None:
            return True
        self._thread.join(seconds)
        return not self._thread.is_alive()


class Flushes:
    """Threads that send what is held back: one is at it, and one waits for it.

    However many runs end while an exporter hangs, there are no more of them.
    """

    def __init__(self) -> None:
        self._lock = Lock()
        self._latest: Thread | None = None
        self._waiting: Thread | None = None

    def begin(self, flush: Callable[[], None]) -> Thread:
        """Have all sent that is held back now; gives the thread that does it."""
        with self._lock:
            if self._waiting is None:
                arguments = (flush, self._latest)
                thread = Thread(target=self._flush, args=arguments, name="telemetry", daemon=True)
                thread.start()
                # Not before: without a thread all that end later would wait for none.
                self._waiting = self._latest = thread
            return self._waiting

    def _flush(self, flush: Callable[[], None], earlier: Thread | None) -> None:
        if earlier is not None:
            earlier.join()
        with self._lock:  # what is recorded from now on is another's
            self._waiting = None
        flush()


_flushes = Flushes()


def announce_to_telemetry(ending: EndedRun, files: RunFiles) -> Sending:
    """Announce how an attempt ended to metrics and trace, unless that has been done.

    Raises:
        AzureError: Storage does not answer; nothing is claimed, and the same again announces it.
    """
    telemetry = otel()
    if telemetry is None:
        return Sending()
    # Before the claim: what can fail after it would be announced by nobody.
    workload = kept_request(files, ending.run_id, ending.attempt).workload
    if not _claim(ending, files):
        return Sending()
    _record_counts(ending, workload)
    _record_trace(ending, workload)
    return Sending(_flushes.begin(telemetry.flush))


def _claim(ending: EndedRun, files: RunFiles) -> bool:
    """Claim the end of an attempt; a claim whose answer got lost is ours all the same."""
    path = blob_paths.telemetry_claim_path(ending.run_id, ending.attempt)
    own = secrets.token_bytes(16)
    try:
        files.store.write(files.container, path, own, if_none_match=True)
    except BlobExistsError:
        return files.read(path) == own
    return True


def _record_counts(ending: EndedRun, workload: str) -> None:
    record_metric(metrics.RUNS, 1, workload=workload, outcome=ending.end.outcome)
    ended = {status: count_ended(ending.facts, status) for status in ENDS}
    for status, count in ended.items():
        if count:
            record_metric(metrics.ITEMS, count, workload=workload, outcome=status)
    record_metric(metrics.RETRIES, ending.facts.retries, workload=workload)
    record_metric(
        metrics.DEAD_LETTERS, sum(ended[status] for status in GIVEN_UP), workload=workload
    )
    if (seconds := _seconds(ending)) is not None:
        record_metric(metrics.RUN_DURATION, seconds, workload=workload)


def count_ended(facts: RunFacts, status: ItemStatus) -> int:
    """How many items ended so in this attempt: those of earlier ones have been counted."""
    return max(0, int(getattr(facts.items, status)) - int(getattr(facts.settled, status)))


def _seconds(ending: EndedRun) -> float | None:
    if ending.facts.started_at is None or ending.end.at is None:
        return None
    started, ended = map(datetime.fromisoformat, (ending.facts.started_at, ending.end.at))
    return (ended - started).total_seconds()


def _record_trace(ending: EndedRun, workload: str) -> None:
    started, ended = ending.facts.started_at, ending.end.at
    if ending.trace is None or started is None or ended is None:
        return
    items = {f"fanout.items.{k}": n for k, n in ending.facts.items.model_dump().items()}
    attributes = {"fanout.workload": workload, "fanout.outcome": ending.end.outcome, **items}
    record_run_span(
        ending.trace, ending.run_id, ending.attempt, (started, ended), attributes, ending.end.error
    )
