"""Lines go through the logging of Microsoft's worker, with level and invocation, where it runs.

Its handler is stood in for by one that finds an invocation as it does.
"""

import asyncio
import json
import logging
import sys
import threading
import time
from collections.abc import Iterator
from contextvars import ContextVar
from types import ModuleType

import jsonschema
import pytest

from fanout.adapters.telemetry import worker_logs
from fanout.adapters.telemetry.logs import bind_invocation, bind_task, logger
from fanout.threads import ContextPool
from tests.support.doubles.worker_handler import SCHEMA, WorkerHandler, worker_logging


@pytest.fixture
def worker() -> Iterator[WorkerHandler]:
    with worker_logging() as handler:
        yield handler


def test_a_line_has_its_level_and_its_invocation_and_the_streams_have_nothing(
    worker: WorkerHandler, capsys: pytest.CaptureFixture[str]
):
    with bind_invocation(worker.context("i-1"), "run-1"):
        bind_task("item-7")
        logger("batches").info("succeeded: %d failed=0", 3)
        logger("batches").error("gave up", exc_info=ValueError("100% boom"))
    (level, invocation_id, line), (other_level, _, other) = worker.sent
    assert (level, invocation_id, line["message"]) == ("INFO", "i-1", "succeeded: 3 failed=0")
    assert (line["run_id"], line["task_id"], line["request_id"]) == ("run-1", "item-7", "i-1")
    assert (other_level, other["error_message"]) == ("ERROR", "100% boom")
    assert capsys.readouterr() == ("", "")


def test_a_thread_or_a_task_that_works_for_an_invocation_has_its_id(worker: WorkerHandler):
    log = logger("threads")

    async def work(number: int) -> None:
        with bind_invocation(worker.context(f"i-{number}")):
            await asyncio.to_thread(log.info, "%d", number)
            with ContextPool(1) as pool:
                pool.submit(log.info, "%d", number).result()
            log.info("%d", number)

    async def work_side_by_side() -> None:
        await asyncio.gather(*(work(number) for number in range(4)))

    asyncio.run(work_side_by_side())
    assert len(worker.sent) == 12
    for _, invocation_id, line in worker.sent:
        assert invocation_id == f"i-{line['message']}" == line["request_id"]
    assert getattr(worker.storage, "invocation_id", None) is None


def test_from_python_3_13_on_the_worker_finds_the_id_in_a_variable(
    worker: WorkerHandler, monkeypatch: pytest.MonkeyPatch
):
    runtime = ModuleType(worker_logs.RUNTIME)
    worker.variable = ContextVar("invocation_id", default=None)
    runtime.invocation_id_cv = worker.variable  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, worker_logs.RUNTIME, runtime)
    with bind_invocation(worker.context("i-3", has_storage=False)), ContextPool(1) as pool:
        pool.submit(logger("x").info, "hello").result()
    assert [invocation_id for _, invocation_id, _ in worker.sent] == ["i-3"]
    assert worker.variable.get() is None


def test_a_line_of_no_invocation_which_the_host_would_drop_goes_to_a_stream(
    worker: WorkerHandler, capsys: pytest.CaptureFixture[str]
):
    logger("x").info("failed=0")
    logger("x").error("cannot")
    streams = [json.loads(text)["message"] for text in capsys.readouterr()]
    assert (streams, worker.sent) == (["failed=0", "cannot"], [])


def test_a_line_of_a_thread_that_outlives_its_call_goes_to_a_stream_with_its_ids(
    worker: WorkerHandler, capsys: pytest.CaptureFixture[str]
):
    log, has_ended = logger("late"), threading.Event()

    def outlive() -> None:
        log.info("in time")
        assert has_ended.wait(120)
        log.info("late")
        log.error("too late")

    with ContextPool(1) as pool:
        with bind_invocation(worker.context("i-1"), "run-1"):
            late = pool.submit(outlive)
            while not worker.sent:
                time.sleep(0.001)
        # The thread works for another call next: that one's end is no matter of this one's.
        with bind_invocation(worker.context("i-2")):
            has_ended.set()
            late.result()
            pool.submit(log.info, "of the next").result()
    told = [(invocation_id, line["message"]) for _, invocation_id, line in worker.sent]
    assert told == [("i-1", "in time"), ("i-2", "of the next")]
    out, err = (json.loads(text) for text in capsys.readouterr())
    assert (out["message"], err["message"]) == ("late", "too late")
    assert (out["request_id"], out["run_id"]) == ("i-1", "run-1")


def test_a_call_within_a_call_leaves_the_outer_one_its_id(worker: WorkerHandler):
    with bind_invocation(worker.context("i-1")):
        with bind_invocation(worker.context("i-2")):
            logger("x").info("inner")
        logger("x").info("outer")
    assert [invocation_id for _, invocation_id, _ in worker.sent] == ["i-2", "i-1"]


def test_without_the_worker_every_line_goes_to_standard_error(
    worker: WorkerHandler, capsys: pytest.CaptureFixture[str]
):
    logging.getLogger().removeHandler(worker)
    with bind_invocation(worker.context("i-1")):
        logger("x").info("as ever")
    out, err = capsys.readouterr()
    assert (out, worker.sent, json.loads(err)["message"]) == ("", [], "as ever")
    jsonschema.validate(json.loads(err), SCHEMA)
