import pytest

from fanout.adapters.settings import Settings, StorageSettings
from starters import runs


@pytest.fixture(autouse=True)
def _settings(monkeypatch: pytest.MonkeyPatch) -> None:
    """Settings that name no account: nothing here goes near one."""
    nowhere = Settings(StorageSettings(connection_string="none"), max_runs=3)
    monkeypatch.setattr(runs, "settings", lambda: nowhere)
