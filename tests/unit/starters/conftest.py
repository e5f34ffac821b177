"""Starters read the settings of the app: here, those of a developer's machine."""

from collections.abc import Iterator

import pytest

from fanout.adapters.settings import settings
from starters import admittance


@pytest.fixture(autouse=True)
def local_settings(monkeypatch: pytest.MonkeyPatch) -> Iterator[pytest.MonkeyPatch]:
    monkeypatch.setenv("FANOUT_STORAGE", "none")
    monkeypatch.setenv("FANOUT_SOURCE_CONTAINERS", "*")
    _forget()
    yield monkeypatch
    _forget()


def _forget() -> None:
    settings.cache_clear()
    admittance._throttle.cache_clear()
