"""A run that one Python begins goes on in another after an upgrade, and decides what it decided."""

import os
import sys
from pathlib import Path

import pytest

from tests.support.replays.exchange import read_decisions, read_python
from tests.support.replays.recorded_histories import replay
from tests.support.replays.recorded_runs import ORCHESTRATORS, user_functions

DECISIONS = os.environ.get("RECORDED_DECISIONS", "")


@pytest.mark.skipif(not DECISIONS, reason="RECORDED_DECISIONS names none: `make test-pythons` does")
def test_histories_that_another_python_began_replay_with_the_same_decisions():
    file = Path(DECISIONS)
    assert read_python(file) != sys.version_info[:2]
    functions, found = user_functions(), list(read_decisions(file))
    assert {orchestrator for orchestrator, _, _ in found} == ORCHESTRATORS
    for orchestrator, turn, decided in found:
        assert replay(functions[orchestrator], turn) == decided, turn["instanceId"]
