"""Stand-ins of az and azd, and no waiting."""

from pathlib import Path

import pytest

from tests.support.azure_programs.programs import Programs


@pytest.fixture
def programs(started_programs: Programs) -> Programs:
    """The same without processes."""
    started_programs.stay_in_process()
    return started_programs


@pytest.fixture
def started_programs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Programs:
    """Both, on a PATH that has nothing else; pauses take no time."""
    monkeypatch.setattr("time.sleep", lambda seconds: None)
    found = Programs(tmp_path / "programs", monkeypatch)
    found.install("az", "azd")
    return found
