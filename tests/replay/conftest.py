"""What all replay tests share: runs recorded once, and infrastructure that is back at once."""

import asyncio

import pytest

from tests.support.replays.recorded_runs import Recorded, record_runs
from tests.support.replays.short_rests import shorten

shorten()


@pytest.fixture(scope="session")
def recorded(tmp_path_factory: pytest.TempPathFactory) -> Recorded:
    return asyncio.run(record_runs(tmp_path_factory.mktemp("replay") / "hub.db"))
