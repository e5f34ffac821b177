import json
import logging
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from types import SimpleNamespace
from typing import Any

import pytest

from fanout.adapters.telemetry import logs
from fanout.adapters.telemetry.logs import JsonFormatter, bind_invocation, bind_task, logger

CONTEXT = SimpleNamespace(function_name="process_batch", invocation_id="i-1")


class Lines(logging.Handler):
    """Keeps what is logged, parsed."""

    def __init__(self) -> None:
        super().__init__()
        self.lines: list[dict[str, Any]] = []
        self.setFormatter(JsonFormatter())

    def emit(self, record: logging.LogRecord) -> None:
        self.lines.append(json.loads(self.format(record)))


@pytest.fixture
def lines() -> Iterator[list[dict[str, Any]]]:
    handler = Lines()
    log = logging.getLogger(logs.LOGGER)
    level = log.level
    log.addHandler(handler)
    log.setLevel(logging.DEBUG)
    yield handler.lines
    log.removeHandler(handler)
    log.setLevel(level)


def test_a_line_has_the_ids_of_its_invocation_and_item(lines: list[dict[str, Any]]):
    with bind_invocation(CONTEXT, "run-1"):
        bind_task("item-7")
        logger("workload").warning("odd %s", "thing")
    (line,) = lines
    assert line.pop("timestamp").endswith("+00:00")
    assert line == {
        "log_level": "WARNING",
        "function_name": "process_batch",
        "request_id": "i-1",
        "run_id": "run-1",
        "task_id": "item-7",
        "message": "odd thing",
    }


def test_ids_end_with_the_invocation(lines: list[dict[str, Any]]):
    with bind_invocation(CONTEXT, "run-1"):
        bind_task("item-7")
    with bind_invocation(CONTEXT):
        logger("x").info("next")
    logger("x").info("after")
    inside, outside = lines
    assert "run_id" not in inside and "task_id" not in inside
    assert "request_id" not in outside


def test_invocations_on_other_threads_keep_their_own_ids(lines: list[dict[str, Any]]):
    def work(number: int) -> None:
        context = SimpleNamespace(function_name="f", invocation_id=str(number))
        with bind_invocation(context, f"run-{number}"):
            bind_task(f"item-{number}")
            logger("x").info("%d", number)

    with ThreadPoolExecutor(4) as pool:
        list(pool.map(work, range(40)))
    assert len(lines) == 40
    for line in lines:
        number = line["message"]
        found = (line["request_id"], line["run_id"], line["task_id"])
        assert found == (number, f"run-{number}", f"item-{number}")


def test_an_exception_is_named_by_type_and_message(lines: list[dict[str, Any]]):
    try:
        raise ValueError("boom")
    except ValueError:
        logger("x").exception("failed", extra={"duration_ms": 0.0, "task_id": "a"})
    (line,) = lines
    assert (line["error_type"], line["error_message"]) == ("ValueError", "boom")
    assert (line["duration_ms"], line["task_id"]) == (0.0, "a")


class UnprintableText:
    """An object that does not say what it is."""

    def __str__(self) -> str:
        raise SystemExit(3)

    __repr__ = __str__


class EndlessText(UnprintableText):
    """An object whose text never ends."""

    def __str__(self) -> str:
        raise RecursionError

    __repr__ = __str__


@pytest.mark.parametrize("value", [UnprintableText(), EndlessText(), float("nan"), [[1]], b"\xff"])
def test_whatever_a_workload_logs_is_one_line_of_json(value: Any):
    extras = {"task_id": value, "run_id": value, "duration_ms": value}
    for fields in (
        {"msg": value},
        {"msg": "%s", "args": (value,)},
        {"msg": "a", **extras},
        {"msg": "a", "exc_info": (ValueError, ValueError(value), None)},
    ):
        # Not by a logger: pytest's own handler would format the line as well.
        line = JsonFormatter().format(logging.makeLogRecord(fields))
        assert "\n" not in line
        json.dumps(json.loads(line), allow_nan=False)
