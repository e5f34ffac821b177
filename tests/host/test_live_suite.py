"""`make live` against the embedded host that asks for keys: what opens it is never printed."""

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.hosts.host_process import REPOSITORY, HostProcess, running
from tests.support.live.live_host import LiveHost
from tests.support.live.secret_text import HIDDEN, find_secrets

APP = REPOSITORY / "tests" / "e2e" / "apps" / "probe"
MAKE = ("make", "--silent", "-o", "setup", "live", f"BIN={Path(sys.executable).parent}")
WITH_KEYS = "tests/e2e/clients/test_cli.py tests/e2e/test_contract.py"
CHOSEN = "wrong_key or (nobody_gets_through and list_runs)"
# A failure shows what a fixture was given; these fail where the connection string is none.
SHOWS_ITS_STORAGE = "tests/e2e/test_diagnosis.py"


@pytest.fixture(scope="module")
def locked(
    storage: str, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[tuple[HostProcess, str]]:
    folder = tmp_path_factory.mktemp("locked")
    environment = {"FANOUT_STORAGE": storage, "FANOUT_SOURCE_CONTAINERS": "*"}
    with running(APP, folder, "--no-stack", "--auth", environment=environment) as host:
        keys = json.loads((folder / "data" / "keys.json").read_text())
        yield host, keys["host"]["default"]


def make_live(url: str, tests: str, *options: str, **secrets: str) -> tuple[int, str]:
    done = subprocess.run(
        [*MAKE, f"URL={url}", f"TESTS={' '.join((tests, *options))}"],
        cwd=REPOSITORY,
        env=os.environ | {"PYTEST_ADDOPTS": ""} | secrets,
        capture_output=True,
        text=True,
        check=False,
    )
    said = done.stdout + done.stderr
    hidden = find_secrets(
        {"FANOUT_TEST_KEY": secrets.get("KEY", ""), "FANOUT_TEST_STORAGE": secrets["STORAGE"]}
    )
    assert hidden
    assert not [one for one in hidden if one in said]
    return done.returncode, said


def test_tests_with_and_of_keys_run_where_a_key_is_given(
    locked: tuple[HostProcess, str], storage: str
):
    host, key = locked
    code, said = make_live(host.origin, WITH_KEYS, "-k", f"'{CHOSEN}'", KEY=key, STORAGE=storage)
    assert code == 0, said
    assert "4 passed" in said
    assert "skipped" not in said


def test_what_a_failure_shows_of_a_connection_string_is_hidden(
    locked: tuple[HostProcess, str],
):
    host, key = locked
    storage = "AccountKey=c2VjcmV0IG9mIHRoZSBhY2NvdW50;of=nobody"
    code, said = make_live(
        host.origin, SHOWS_ITS_STORAGE, "-k", "nothing_is_left", KEY=key, STORAGE=storage
    )
    assert code != 0
    assert f"= '{HIDDEN}'" in said, said


def test_a_copy_against_which_nothing_can_run_is_refused_with_what_to_do(
    locked: tuple[HostProcess, str], storage: str
):
    host, _ = locked
    assert "asks for a key: KEY=..." in str(LiveHost(host.origin).find_fault())
    assert "refuses this key" in str(LiveHost(host.origin, "wrong").find_fault())
    assert "nobody answers" in str(LiveHost("http://127.0.0.1:9").find_fault())
    code, said = make_live(host.origin, SHOWS_ITS_STORAGE, STORAGE=storage)
    assert code != 0
    assert "asks for a key: KEY=... make live" in said
