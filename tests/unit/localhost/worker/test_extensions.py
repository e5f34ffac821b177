"""Extensions of the worker: which hooks run, and what the log says of those that do not."""

import logging
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import azure.functions as func
import pytest

from localhost.worker.extensions import SETTING, invocation_hooks, run_load_hooks

SEEN: list[Any] = []


@pytest.fixture(autouse=True)
def _registry(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    for name, value in (("_func_exts", {}), ("_app_exts", None), ("_info", {})):
        monkeypatch.setattr(func.ExtensionMeta, name, value)
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


def test_an_app_without_extensions_hears_nothing(caplog: pytest.LogCaptureFixture) -> None:
    run_load_hooks(["f"], Path("/app"))
    assert not caplog.records
