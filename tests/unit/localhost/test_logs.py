"""Log lines."""

import asyncio
import io
import logging
import re
import threading

import pytest

from localhost import logs
from localhost.log_levels import LogLevels

STAMP = r"\[\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z\] "


def test_printed_lines_carry_the_function_and_the_invocation() -> None:
    stream = io.StringIO()
    output = logs.UserOutput(stream)
    token = logs.CURRENT.set(("act", "id-1", threading.get_ident()))
    try:
        print("a", 1, file=output)
        print("b\nc", end="", file=output)
        output.flush()
    finally:
        logs.CURRENT.reset(token)
    lines = stream.getvalue().splitlines()
    assert [re.fullmatch(STAMP + r"\[act id-1\] (.*)", line)[1] for line in lines] == [  # type: ignore[index]
        "a 1",
        "b",
    ]


def test_lines_of_several_threads_do_not_mix() -> None:
    stream = io.StringIO()
    output = logs.UserOutput(stream)
    output.write("half ")
    thread = threading.Thread(target=lambda: print("whole", file=output))
    thread.start()
    thread.join()
    output.write("and half\n")
    assert [line.partition("] ")[2] for line in stream.getvalue().splitlines()] == [
        "whole",
        "half and half",
    ]


def test_a_users_own_thread_may_say_which_invocation_it_works_for() -> None:
    stream = io.StringIO()

    def work() -> None:
        logs.THREAD_LOCAL.invocation_id = "id-2"
        print("x", file=logs.UserOutput(stream))

    thread = threading.Thread(target=work)
    thread.start()
    thread.join()
    assert re.fullmatch(STAMP + r"\[id-2\] x\n", stream.getvalue())


async def test_a_thread_that_a_function_has_started_is_in_no_call() -> None:
    stream = io.StringIO()
    logs.CURRENT.set(("act", "id-3", threading.get_ident()))
    await asyncio.create_task(_print("in a task", stream))
    await asyncio.to_thread(print, "in a thread", file=logs.UserOutput(stream))
    in_task, in_thread = stream.getvalue().splitlines()
    assert re.fullmatch(STAMP + r"\[act id-3\] in a task", in_task)
    assert re.fullmatch(STAMP + "in a thread", in_thread)


async def _print(text: str, stream: io.StringIO) -> None:
    print(text, file=logs.UserOutput(stream))


def test_a_record_names_its_level_where_it_is_no_mere_information() -> None:
    def line(level: int) -> str:
        record = logging.LogRecord("n", level, "p", 1, "said %s", ("x",), None)
        return logs.LineFormatter("%(message)s").format(record)

    assert re.fullmatch(STAMP + "said x", line(logging.INFO))
    assert re.fullmatch(STAMP + "WARNING: said x", line(logging.WARNING))


@pytest.mark.parametrize(
    ("line", "grade"),
    [
        ("all is well", logging.INFO),
        ("a Warning of an error", logging.WARNING),
        ("42 succeeded, failed=0", logging.ERROR),
    ],
)
def test_a_line_on_standard_error_is_graded_by_its_words(line: str, grade: int) -> None:
    assert logs.error_grade(line) == grade


def test_printed_lines_are_shown_from_their_least_level_on() -> None:
    stream = io.StringIO()
    output = logs.UserOutput(stream, logs.error_grade, logging.WARNING)
    print("one\nan error\ntwo", file=output)
    assert [line.partition("] ")[2] for line in stream.getvalue().splitlines()] == ["an error"]


def test_records_are_shown_as_the_category_of_their_function_says() -> None:
    stream = io.StringIO()
    levels = LogLevels.from_host_json(
        {"logging": {"logLevel": {"default": "Error", "Function.loud": "Debug"}}}
    )
    handler = logs.UserHandler(stream, levels, logging.WARNING)

    def emit(function: str | None, level: int) -> None:
        token = logs.CURRENT.set(function and (function, "id", threading.get_ident()))
        handler.handle(logging.LogRecord("n", level, "p", 1, f"{function}-{level}", None, None))
        logs.CURRENT.reset(token)

    for function in ("loud", "quiet", None):
        for level in (logging.DEBUG, logging.INFO, logging.WARNING, logging.ERROR):
            emit(function, level)
    assert stream.getvalue().split() == [
        "loud-10",
        "loud-20",
        "loud-30",
        "loud-40",
        "quiet-40",
        "None-30",
        "None-40",
    ]
