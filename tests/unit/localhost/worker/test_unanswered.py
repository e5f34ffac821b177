"""What Azure's worker would never answer, and what it answers as this host does."""

import asyncio
import sys

import pytest

from localhost.worker.unanswered import describe_fate


class _TextFails(Exception):
    def __str__(self) -> str:
        raise UnicodeEncodeError("utf-8", "\ud800", 0, 1, "surrogates not allowed")


class _LaterStop(StopIteration):
    pass


@pytest.mark.parametrize("is_async", [False, True])
@pytest.mark.parametrize(
    ("error", "fate"),
    [
        (SystemExit(3), "process ends of it"),
        (KeyboardInterrupt(), "process ends of it"),
        (asyncio.CancelledError(), "never answers it"),
        (GeneratorExit(), "never answers it"),
        (BaseExceptionGroup("all", [SystemExit()]), "never answers it"),
        (ValueError("caf\udce9"), "half of a surrogate pair"),
    ],
)
def test_some_are_never_answered(error: BaseException, fate: str, is_async: bool) -> None:
    assert fate in str(describe_fate(error, is_async=is_async))


@pytest.mark.parametrize(
    "error",
    [
        ValueError("café 😀"),
        StopAsyncIteration(),
        ExceptionGroup("all", [ValueError()]),
        _TextFails(),
        _LaterStop(),
        TimeoutError(),
    ],
)
def test_others_are_plain_failures(error: BaseException) -> None:
    assert describe_fate(error, is_async=False) is None
    assert describe_fate(error, is_async=True) is None


def test_the_end_of_an_iteration_hangs_plain_functions_of_older_pythons() -> None:
    fate = describe_fate(StopIteration(), is_async=False)
    assert (fate is None) == (sys.version_info >= (3, 13))
    assert describe_fate(StopIteration(), is_async=True) is None
