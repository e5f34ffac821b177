"""What tests of the SDK 2.x share: where that is not installed, they are not there at all."""

import asyncio
import json
import os
import subprocess
from importlib.metadata import version
from pathlib import Path
from typing import Any

import pytest

from tests.support.replays.short_rests import shorten

ROOT = Path(__file__).parents[2]
# They run in an environment of their own: `make test-sdk2`.
IS_2 = version("azure-functions-durable").startswith("2.")
collect_ignore_glob = [] if IS_2 else ["test_*.py"]
DEADLINE_SECONDS = 600

if IS_2:
    from tests.support.sdk2.outcomes import outcomes_on_the_backend


def pytest_configure(config: pytest.Config) -> None:
    # Messages are plain JSON, which the models check.
    config.addinivalue_line("filterwarnings", "ignore:azure.functions df_loads was called without")


@pytest.fixture(scope="session")
def outcomes(tmp_path_factory: pytest.TempPathFactory) -> tuple[dict[str, Any], dict[str, Any]]:
    """What each scenario came to on the SDK 1.x, in the app's own environment, and on this one."""
    path = tmp_path_factory.mktemp("sdk1") / "outcomes.json"
    python = os.environ["SDK1_PYTHON"]
    command = [python, "-m", "tests.support.replays.record_outcomes", str(path)]
    with subprocess.Popen(command, cwd=ROOT) as recording:
        shorten()
        found = asyncio.run(outcomes_on_the_backend())
        assert recording.wait(DEADLINE_SECONDS) == 0
    return json.loads(path.read_text()), json.loads(json.dumps(found))
