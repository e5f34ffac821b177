"""Extensions of the worker: which hooks run, and what the log says of those that do not."""

import asyncio
import logging
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import azure.functions as func
import pytest

from localhost.execution.contract import Invocation
from localhost.worker import extensions
from localhost.worker.extensions import SETTING, invocation_hooks, run_load_hooks
from localhost.worker.indexing import read_function
from localhost.worker.invocation import CallableFunction

SEEN: list[Any] = []


def _pretend(monkeypatch: pytest.MonkeyPatch, version: tuple[int, int, int]) -> None:
    """Have the worker believe that it runs on this Python."""
    monkeypatch.setattr(extensions, "sys", SimpleNamespace(version_info=version))


@pytest.fixture(autouse=True)
def _registry(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    for name, value in (("_func_exts", {}), ("_app_exts", None), ("_info", {})):
        monkeypatch.setattr(func.ExtensionMeta, name, value)
    _pretend(monkeypatch, (3, 12, 0))
    SEEN.clear()
    yield


def _extend() -> None:
    class Everywhere(func.AppExtensionBase):
        @classmethod
        def post_function_load_app_level(cls, *values: Any, **kinds: Any) -> None:
            SEEN.append(values)

        @classmethod
        def pre_invocation_app_level(cls, *values: Any, **kinds: Any) -> None:
            SEEN.append(values[1:])

        @classmethod
        def post_invocation_app_level(cls, *values: Any, **kinds: Any) -> None:
            raise ValueError("on purpose")


@pytest.mark.parametrize("value", ["", "0", "false", "on"])
def test_no_hook_runs_without_the_setting_and_the_log_names_them(
    value: str, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setenv(SETTING, value)
    _extend()
    run_load_hooks(["f"], Path("/app"))
    assert invocation_hooks("f") is None
    assert not SEEN
    assert "Worker extensions are not run, as in Azure: Everywhere." in caplog.text


@pytest.mark.parametrize("value", ["1", "true", " Yes "])
def test_hooks_run_with_the_setting_and_a_fault_is_theirs_alone(
    value: str, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setenv(SETTING, value)
    _extend()
    run_load_hooks(["f"], Path("/app"))
    hooks = invocation_hooks("f")
    assert hooks is not None
    with caplog.at_level(logging.ERROR):
        hooks.run_before("context", {"n": 1})
        hooks.run_after("context", {"n": 1}, "returned")
    assert SEEN == [("f", "/app"), ("context", {"n": 1})]
    assert "post_invocation_app_level of Everywhere failed" in caplog.text


@pytest.mark.parametrize("value", ["", "1"])
@pytest.mark.parametrize("version", [(3, 13, 0), (3, 14, 1)])
def test_no_hook_runs_from_python_3_13_on_and_the_log_says_why(
    value: str,
    version: tuple[int, int, int],
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    monkeypatch.setenv(SETTING, value)
    _pretend(monkeypatch, version)
    _extend()
    run_load_hooks(["f"], Path("/app"))
    assert invocation_hooks("f") is None
    assert not SEEN
    assert "Worker extensions are not run, as in Azure: Everywhere." in caplog.text
    assert "From Python 3.13 on its worker calls no hooks" in caplog.text
    assert "to have their hooks called" not in caplog.text


@pytest.mark.parametrize("is_async", [False, True])
def test_of_a_function_that_streams_a_hook_gets_what_it_returned(
    is_async: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(SETTING, "1")

    class After(func.AppExtensionBase):
        @classmethod
        def post_invocation_app_level(cls, *values: Any, **kinds: Any) -> None:
            SEEN.append(values[-1])

    def answer(req) -> str:
        if req == "bad":
            raise ValueError("on purpose")
        return "returned"

    async def answer_later(req) -> str:
        return answer(req)

    app = func.FunctionApp()
    app.route(route="x")(answer_later if is_async else answer)
    read = read_function(app.get_functions()[0])
    streamed = replace(read, info=replace(read.info, is_streamed=True))
    function = CallableFunction(streamed, Path("/app"))
    for payload in ("bad", "good"):
        invocation = Invocation("i", function.info.name, payload)
        if is_async:
            asyncio.run(function.run_async(invocation))
        else:
            function.run(invocation)
    assert SEEN == ["returned"]


def test_an_app_without_extensions_hears_nothing(caplog: pytest.LogCaptureFixture) -> None:
    run_load_hooks(["f"], Path("/app"))
    assert not caplog.records
