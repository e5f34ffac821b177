"""What tests of whole runs in one process share."""

from collections.abc import Iterator

import pytest

import activities.endings.finish as finishing
from fanout.adapters.run_files.files import forget_kept


@pytest.fixture
def lone_runs(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Each run is another, though all have one id, and nobody is told of its end."""
    monkeypatch.setattr(finishing, "messaging", lambda: None)
    forget_kept()
    yield
    forget_kept()
