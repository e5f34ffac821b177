"""Log lines."""

import io
import logging
import re
import threading
from typing import Any

import pytest

from localhost import logs

STAMP = r"\[\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z\] "


def test_printed_lines_carry_the_function_and_the_invocation() -> None:
    stream = io.StringIO()
    output = logs.UserOutput(stream)
    token = logs.CURRENT.set(("act", "id-1"))
    try:
        print("a", 1, file=output)
        print("b\nc", end="", file=output)
        output.flush()
    finally:
        logs.CURRENT.reset(token)
    lines = stream.getvalue().splitlines()
    assert [re.fullmatch(STAMP + r"\[act id-1\] (.*)", line)[1] for line in lines] == [  # type: ignore[index]
        "a 1", "b",
    ]  # fmt: skip


def test_lines_of_several_threads_do_not_mix() -> None:
    stream = io.StringIO()
    output = logs.UserOutput(stream)
    output.write("half ")
    thread = threading.Thread(target=lambda: print("whole", file=output))
    thread.start()
    thread.join()
    output.write("and half\n")
    assert [line.partition("] ")[2] for line in stream.getvalue().splitlines()] == [
        "whole", "half and half",
    ]  # fmt: skip


def test_a_users_own_thread_may_say_which_invocation_it_works_for() -> None:
    stream = io.StringIO()

    def work() -> None:
        logs.THREAD_LOCAL.invocation_id = "id-2"
        print("x", file=logs.UserOutput(stream))

    thread = threading.Thread(target=work)
    thread.start()
    thread.join()
    assert re.fullmatch(STAMP + r"\[id-2\] x\n", stream.getvalue())


def test_a_record_names_its_level_where_it_is_no_mere_information() -> None:
    def line(level: int) -> str:
        record = logging.LogRecord("n", level, "p", 1, "said %s", ("x",), None)
        return logs.LineFormatter("%(message)s").format(record)

    assert re.fullmatch(STAMP + "said x", line(logging.INFO))
    assert re.fullmatch(STAMP + "WARNING: said x", line(logging.WARNING))


@pytest.mark.parametrize(
    ("levels", "expected"),
    [
        ({}, logging.INFO),
        ({"default": "Warning"}, logging.WARNING),
        ({"default": "Warning", "Function": "Debug"}, logging.DEBUG),
        ({"default": "nonsense"}, logging.INFO),
    ],
)
def test_host_json_says_how_much_user_code_logs(levels: dict[str, Any], expected: int) -> None:
    assert logs.user_level({"logging": {"logLevel": levels}}) == expected
    assert logs.user_level({}) == logging.INFO
