"""Starters read the settings of the app: here, those of a developer's machine."""

from collections.abc import Iterator

import pytest

from fanout.adapters.rows.rows import Rows
from fanout.adapters.settings import settings
from starters.api import admittance
from tests.support.workloads.attempts import memory_rows


@pytest.fixture(autouse=True)
def local_settings(monkeypatch: pytest.MonkeyPatch) -> Iterator[pytest.MonkeyPatch]:
    monkeypatch.setenv("FANOUT_STORAGE", "none")
    monkeypatch.setenv("FANOUT_SOURCE_CONTAINERS", "*")
    _forget()
    yield monkeypatch
    _forget()


@pytest.fixture
def rows() -> Rows:
    return memory_rows()


def _forget() -> None:
    settings.cache_clear()
    admittance._throttle.cache_clear()
