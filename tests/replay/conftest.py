"""What all replay tests share: runs recorded once, and infrastructure that is back at once."""

import asyncio
from datetime import timedelta

import pytest

from activities.planning import begin
from fanout.governor import admission
from fanout.sagas import machine as saga_rules
from orchestrators import calling, rounds, saga
from tests.support.replays.recorded_runs import Recorded, record_runs

# What infrastructure needs to come back is nothing here.
rounds.FIRST_REPAIR_SECONDS = 0.01
rounds.UNDO_PATIENCE = timedelta(seconds=0.5)
saga.FIRST_REPAIR_SECONDS = 0.01
calling.FIRST_REST_SECONDS = 0.01
begin.FIRST_NAP_SECONDS = 0.01
admission.FIRST_WAIT_SECONDS = 0.5
saga_rules.FIRST_REPAIR_SECONDS = 0.01


@pytest.fixture(scope="session")
def recorded(tmp_path_factory: pytest.TempPathFactory) -> Recorded:
    return asyncio.run(record_runs(tmp_path_factory.mktemp("replay") / "hub.db"))
