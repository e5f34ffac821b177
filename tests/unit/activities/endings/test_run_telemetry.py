"""The end of an attempt is told once: neither twice nor, while the process lives, never."""

from collections import Counter
from collections.abc import Iterator
from threading import Event, Thread
from typing import Any

import pytest
from azure.core.exceptions import ServiceRequestError

from activities.endings import run_telemetry
from activities.endings.run_telemetry import Flushes, announce_to_telemetry
from fanout.adapters.blob import BlobExistsError
from fanout.adapters.run_files.files import RunFiles, forget_kept
from fanout.messages.ending import EndedRun, RunFacts
from fanout.messages.run import RunEnd
from fanout.models.request import RunRequest
from fanout.models.status import ItemCounts
from tests.support.doubles.memory_store import MemoryStore

AT = "2026-11-24T00:00:00Z"
FACTS = RunFacts(
    items=ItemCounts(total=9, succeeded=5, failed=4),
    settled=ItemCounts(total=9, succeeded=2),
    retries=3,
    started_at=AT,
)
ENDING = EndedRun(run_id="r", attempt=1, end=RunEnd(outcome="failed", at=AT), facts=FACTS)
SOURCE = {"kind": "inline", "items": []}
REQUEST = RunRequest.model_validate({"workload": "w", "run_id": "r", "source": SOURCE})


class Heard:
    """Stands for the SDK: adds up what it is told."""

    def __init__(self) -> None:
        self.counts: Counter[str] = Counter()
        self.flushes = 0
        self.may_end = Event()
        self.may_end.set()

    def record_metric(self, metric: Any, value: float, labels: Any) -> None:
        self.counts[metric.name] += int(value)

    def flush(self) -> None:
        self.may_end.wait()
        self.flushes += 1


@pytest.fixture
def heard(monkeypatch: pytest.MonkeyPatch) -> Iterator[Heard]:
    heard = Heard()
    monkeypatch.setattr(run_telemetry, "otel", lambda: heard)
    monkeypatch.setattr(
        run_telemetry,
        "record_metric",
        lambda metric, value, **labels: heard.record_metric(metric, value, labels),
    )
    forget_kept()
    yield heard
    heard.may_end.set()


def files_in(store: MemoryStore) -> RunFiles:
    files = RunFiles(store, "runs")
    files.claim("r", REQUEST)
    return files


def test_what_is_carried_out_twice_is_told_once(heard: Heard):
    files = files_in(MemoryStore())
    for _ in range(3):
        assert announce_to_telemetry(ENDING, files).wait()
    assert heard.counts == {
        "fanout.runs": 1,
        "fanout.items": 3 + 4,
        "fanout.retries": 3,
        "fanout.dead_letters": 4,
        "fanout.run.duration": 0,
    }
    assert heard.flushes == 1


def test_each_attempt_is_told_for_itself(heard: Heard):
    files = files_in(MemoryStore())
    announce_to_telemetry(ENDING, files).wait()
    again = ENDING.model_copy(update={"attempt": 2})
    files.store.write("runs", "r/attempts/00002.json", b"{}")
    announce_to_telemetry(again, files).wait()
    assert heard.counts["fanout.runs"] == 2


class LostAnswers(MemoryStore):
    """Writes, and answers as if somebody else had: the client had to send it again."""

    def write(self, container: str, blob: str, data: bytes, **options: Any) -> str:
        etag = super().write(container, blob, data, **options)
        if "/told/" in blob:
            raise BlobExistsError(blob)
        return etag


def test_a_claim_whose_answer_got_lost_is_told(heard: Heard):
    announce_to_telemetry(ENDING, files_in(LostAnswers())).wait()
    assert heard.counts["fanout.runs"] == 1


def test_a_fault_of_storage_leaves_the_end_to_be_told(
    heard: Heard, monkeypatch: pytest.MonkeyPatch
):
    files = files_in(MemoryStore())
    with monkeypatch.context() as away:
        away.setattr(MemoryStore, "read", lambda *_, **__: _raise(ServiceRequestError("away")))
        with pytest.raises(ServiceRequestError):
            announce_to_telemetry(ENDING, files)
    assert heard.counts == {}
    announce_to_telemetry(ENDING, files).wait()
    assert heard.counts["fanout.runs"] == 1


def test_who_takes_it_may_be_down_and_holds_nobody_up(heard: Heard):
    heard.may_end.clear()
    sending = announce_to_telemetry(ENDING, files_in(MemoryStore()))
    assert not sending.wait(0.01)
    heard.may_end.set()
    assert sending.wait()
    assert heard.flushes == 1


def test_where_nobody_listens_nothing_is_claimed(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(run_telemetry, "otel", lambda: None)
    files = files_in(MemoryStore())
    assert announce_to_telemetry(ENDING, files).wait()
    assert not files.exists("r/told/a1")


def _raise(error: Exception) -> None:
    raise error


def test_while_an_exporter_hangs_the_ends_of_many_runs_wait_in_one_thread():
    flushes, may_end, sent = Flushes(), Event(), []

    def flush() -> None:
        may_end.wait(60)
        sent.append(1)

    threads = [flushes.begin(flush)]
    while flushes._waiting is not None:  # until the first is at it
        pass
    threads += [flushes.begin(flush) for _ in range(50)]
    assert len(set(threads)) == 2
    may_end.set()
    for thread in threads:
        thread.join(60)
    assert len(sent) == 2


def test_where_no_thread_can_begin_later_ends_are_sent_all_the_same(
    monkeypatch: pytest.MonkeyPatch,
):
    flushes, sent = Flushes(), list[int]()
    with monkeypatch.context() as full:
        full.setattr(Thread, "start", lambda _: _raise(RuntimeError("can't start new thread")))
        with pytest.raises(RuntimeError, match="new thread"):
            flushes.begin(lambda: sent.append(1))
    flushes.begin(lambda: sent.append(2)).join(60)
    assert sent == [2]
