"""A host that is told to stop lets what its triggers have begun end, with all that it needs."""

import re
import signal
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.support.hosts.host_process import HostProcess, running

APP = Path(__file__).parent / "apps" / "stop_app"
DEADLINE_SECONDS = 20
# Shorter than the time that a host which stops gives to what runs.
AT_ONCE_SECONDS = 4


@contextmanager
def _working_host(folder: Path, seconds: float) -> Iterator[HostProcess]:
    environment = {"WORK_SECONDS": str(seconds)}
    with running(APP, folder, "--no-stack", environment=environment) as host:
        _wait_for(host, "at_once began in")
        yield host


def _wait_for(host: HostProcess, text: str) -> None:
    deadline = time.monotonic() + DEADLINE_SECONDS
    while text not in host.log:
        assert time.monotonic() < deadline, host.log
        time.sleep(0.01)


def _is_running(pid: int) -> bool:
    status = Path(f"/proc/{pid}/stat")
    return status.exists() and status.read_text().rpartition(")")[2].split()[0] != "Z"


def test_the_durable_client_serves_what_still_runs_when_the_host_stops(tmp_path: Path) -> None:
    with _working_host(tmp_path, seconds=4.0) as host:
        assert host.request("POST", "/admin/functions/by_hand", b'{"input": ""}').status == 202
        _wait_for(host, "by_hand began in")
        assert host.stop() == 0
        for name in ("at_once", "by_hand"):
            assert f"{name} started " in host.log, host.log
        assert "ERROR" not in host.log


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_second_signal_of_a_kind_ends_it_at_once(tmp_path: Path, number: signal.Signals) -> None:
    with _working_host(tmp_path, seconds=60.0) as host:
        found = re.search(r"at_once began in (\d+)\.", host.log)
        assert found is not None
        host.process.send_signal(number)
        _wait_for(host, f"a second {number.name} ends it at once")
        # The other one asks for what is under way already.
        host.process.send_signal(signal.SIGTERM if number == signal.SIGINT else signal.SIGINT)
        time.sleep(0.5)
        assert host.process.poll() is None
        began = time.monotonic()
        assert host.stop(number) == -number
        assert time.monotonic() - began < AT_ONCE_SECONDS
        deadline = time.monotonic() + DEADLINE_SECONDS
        while _is_running(int(found[1])):
            assert time.monotonic() < deadline
            time.sleep(0.01)
        assert "Traceback" not in host.log
    # What was killed can be started again.
    with _working_host(tmp_path, seconds=0.0) as host:
        _wait_for(host, "at_once started ")
