"""The quickstart, followed to the letter in a copy; and no other page has blocks to be run."""

import re
from pathlib import Path

import pytest

from tests.support.hosts.hosts import chosen
from tests.support.hosts.newcomer import ROOT, copied_to, sh

PAGE = ROOT / "docs" / "quickstart.md"
RUNNABLE = re.compile(r"^```sh runnable\n(.*?)^```", re.M | re.S)


@pytest.mark.needs_settings
def test_the_quickstart_leads_where_it_says(storage: str, tmp_path: Path):
    setup, workload, first, second = RUNNABLE.findall(PAGE.read_text())
    copy = copied_to(tmp_path)
    sh(setup, copy)
    assert "5 passed" in sh(workload, copy)
    environment = {"FANOUT_STORAGE": storage, "FANOUT_RUNS_CONTAINER": "quickstart"}
    with chosen().running(copy, tmp_path, "--no-stack", environment=environment) as host:
        home = {"FANOUT_URL": f"http://localhost:{host.port}", "HOME": str(tmp_path)}
        told = sh(first, copy, COLUMNS="120", **home)
        assert "most_characters" in told
        assert "succeeded" in told
        assert '"output":{"characters":' in told.splitlines()[-1]
        told = sh(second, copy, COLUMNS="120", **home)
        assert "partially succeeded" in told
        assert "the text has 39 characters" in told


def test_every_block_that_is_to_be_run_is_run():
    pages = [ROOT / "README.md", *(ROOT / "docs").rglob("*.md")]
    assert [page for page in pages if RUNNABLE.search(page.read_text())] == [PAGE]
