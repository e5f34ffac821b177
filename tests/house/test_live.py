"""Most end-to-end tests run against any copy of the app; the others say why they cannot."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from tests.support.hosts import hosts
from tests.support.live.collected_needs import PREFIX
from tests.support.live.secret_text import KEY_VARIABLE

ROOT = Path(__file__).parents[2]
LEAST_SHARE = 0.7
PLUGIN = "tests.support.live.collected_needs"
COMMAND = (sys.executable, "-m", "pytest", "--collect-only", "-q", "-p", "no:cacheprovider")
LOCAL, DEPLOYED = "http://localhost:7071", "https://app.example"


@pytest.fixture(scope="module")
def needs() -> list[set[str]]:
    """What each end-to-end test needs of its host."""
    done = subprocess.run(
        [*COMMAND, "-p", PLUGIN, "tests/e2e"], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout[-2000:]
    (line,) = (line for line in done.stdout.splitlines() if line.startswith(PREFIX))
    return [set(names) for names in json.loads(line.removeprefix(PREFIX))]


@pytest.mark.parametrize(
    ("url", "key"), [(LOCAL, ""), (DEPLOYED, "of-the-app")], ids=["func start", "deployed"]
)
def test_seven_tenths_of_the_end_to_end_tests_run_against_a_plain_url(
    needs: list[set[str]], url: str, key: str, monkeypatch: pytest.MonkeyPatch
):
    """Core Tools ask for no key and are on this machine; of a deployed copy neither is true."""
    monkeypatch.setenv(KEY_VARIABLE, key)
    lacks = hosts.at_url(url, frozenset()).lacks
    assert ("needs_keys" in lacks) == (not key)
    run = [names for names in needs if not names & lacks]
    assert len(needs) > 500
    assert len(run) >= LEAST_SHARE * len(needs), f"{len(run)} of {len(needs)} run"


def test_what_a_host_at_a_url_lacks_is_said_of_each_test_that_is_skipped(
    monkeypatch: pytest.MonkeyPatch,
):
    monkeypatch.delenv(KEY_VARIABLE, raising=False)
    host = hosts.at_url(DEPLOYED, frozenset())
    assert {*hosts.URL_LACKS, "needs_embedded", "needs_keys", "needs_same_machine"} == host.lacks
    for need in host.lacks:
        reason = host.why_not(need)
        assert reason is not None
        assert reason.startswith(f"{need}: {DEPLOYED} lacks ")
    assert host.why_not("needs_timers") is None
    assert "needs_settings" not in hosts.at_url(DEPLOYED, frozenset({"needs_settings"})).lacks
