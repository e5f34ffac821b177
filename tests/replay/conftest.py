"""What all replay tests share: runs recorded once, and infrastructure that is back at once."""

import asyncio

import pytest

from tests.support.replays.brief_repairs import make_repairs_brief
from tests.support.replays.recorded_runs import Recorded, record_runs

make_repairs_brief()


@pytest.fixture(scope="session")
def recorded(tmp_path_factory: pytest.TempPathFactory) -> Recorded:
    return asyncio.run(record_runs(tmp_path_factory.mktemp("replay") / "hub.db"))
