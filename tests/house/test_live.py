"""Most end-to-end tests run against any copy of the app; the others say why they cannot."""

import re
import subprocess
import sys
from pathlib import Path

from tests.support.hosts import hosts

ROOT = Path(__file__).parents[2]
LEAST_SHARE = 0.7
OPTIONS = ("--collect-only", "-q", "-p", "no:cacheprovider", "--host", "https://app.example")
COLLECTED = re.compile(r"(\d+)/(\d+) tests collected")


def test_seven_tenths_of_the_end_to_end_tests_run_against_a_plain_url():
    """A URL and a storage connection, on another machine and without a key, are all there is."""
    lacks = {*hosts.URL_LACKS, "needs_embedded", "needs_keys", "needs_same_machine"}
    words = ["-m", " and ".join(f"not {need}" for need in sorted(lacks))]
    done = subprocess.run(
        [sys.executable, "-m", "pytest", *OPTIONS, *words, "tests/e2e"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout[-2000:]
    match = COLLECTED.search(done.stdout)
    assert match is not None, done.stdout[-500:]
    run, total = int(match[1]), int(match[2])
    assert total > 500
    assert run >= LEAST_SHARE * total, f"{run} of {total} run"


def test_what_a_host_at_a_url_lacks_is_said_of_each_test_that_is_skipped():
    needs = {*hosts.URL_LACKS, "needs_embedded", "needs_keys", "needs_same_machine"}
    host = hosts.ChosenHost("https://app.example", origin="x", lacks=frozenset(needs))
    for need in needs:
        reason = host.why_not(need)
        assert reason is not None
        assert reason.startswith(f"{need}: https://app.example lacks ")
        assert len(hosts.NEEDS[need]) > 10
    assert host.why_not("needs_timers") is None
