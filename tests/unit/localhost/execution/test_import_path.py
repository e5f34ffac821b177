"""Where modules are looked for: PYTHONPATH, what is installed, the app, the host's own."""

import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from localhost.execution import import_path
from localhost.execution.import_path import arrange_import_path, resolve_python_path

HOST = str(Path(__file__).parents[4])


@pytest.fixture(autouse=True)
def _path(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setattr(import_path, "_earlier_folders", set())
    monkeypatch.setattr(sys, "path", [HOST, "/app", "/usr/lib", "/venv"])
    yield


def test_the_folder_of_the_app_is_last_but_for_the_hosts_own() -> None:
    arrange_import_path(Path("/app"), {})
    assert sys.path == ["/usr/lib", "/venv", "/app", HOST]
    arrange_import_path(Path("/app"), {})
    assert sys.path == ["/usr/lib", "/venv", "/app", HOST]


def test_the_hosts_own_app_is_last() -> None:
    arrange_import_path(Path(HOST), {})
    assert sys.path == ["/app", "/usr/lib", "/venv", HOST]


def test_an_app_that_was_loaded_before_is_not_looked_into() -> None:
    arrange_import_path(Path("/one"), {})
    arrange_import_path(Path("/two"), {})
    assert sys.path == ["/app", "/usr/lib", "/venv", "/two", HOST]


def test_what_the_setting_names_is_first_seen_from_the_app() -> None:
    arrange_import_path(Path("/app"), {"PYTHONPATH": "lib:/venv::../shared"})
    assert sys.path == ["/app/lib", "/venv", "/app", "/shared", "/usr/lib", HOST]
    assert resolve_python_path({"PYTHONPATH": ""}, Path("/app")) == []
