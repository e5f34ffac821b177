"""The settings of a developer's machine, for activities that are called in this process."""

from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from fanout.adapters.messaging import messaging
from fanout.adapters.settings import settings


@contextmanager
def local_settings() -> Iterator[None]:
    """Have the app of this process find settings, and no Service Bus."""
    try:
        with pytest.MonkeyPatch.context() as patch:
            patch.setenv("FANOUT_STORAGE", "none")
            patch.setenv("FANOUT_SOURCE_CONTAINERS", "*")
            patch.delenv("FANOUT_SERVICE_BUS", raising=False)
            _forget()
            yield
    finally:
        _forget()


def _forget() -> None:
    settings.cache_clear()
    messaging.cache_clear()
