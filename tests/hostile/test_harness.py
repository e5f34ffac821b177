"""What the tests of hostile input rely on: it ends, it is given back, and it says what it met."""

import os
import re
import subprocess
import sys
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import ClassVar

import pytest

from rig.processes import REPOSITORY
from rig.web import Host
from tests.support.hostile.dripping import dripping
from tests.support.hostile.forms import SEED
from tests.support.hostile.generated.flood import peak_mib
from tests.support.hosts.fanout_bus import FanoutBus
from tests.support.hosts.host_process import HostProcess
from tests.support.hosts.patient_host import PatientHost
from tests.support.services.serving import serve

DRAWS = """
from tests.support.hostile.forms import any_chance, choose
print(any_chance().random(), choose(range(1000), 3, 1.0), choose(range(1000), 3, 1.0))
"""


def draw(seed: str) -> tuple[str, str]:
    """The seed that is printed, and what is drawn, in a process of its own."""
    done = subprocess.run(
        [sys.executable, "-c", DRAWS],
        cwd=REPOSITORY,
        env=os.environ | {SEED: seed},
        capture_output=True,
        text=True,
        check=True,
    )
    printed, drawn = done.stdout.splitlines()
    return printed.removeprefix(f"{SEED}="), drawn


def test_chances_are_others_each_time_and_are_given_back_by_their_seed():
    seed, drawn = draw("")
    assert draw(seed) == (seed, drawn)
    assert draw("")[1] != drawn
    first, second = re.findall(r"\[.*?\]", drawn)
    assert first != second


def test_a_server_that_drips_ends_with_the_test_that_fails():
    before = {*threading.enumerate()}
    with pytest.raises(ZeroDivisionError), dripping(b"", b"x"):
        raise ZeroDivisionError
    assert {*threading.enumerate()} <= before


@pytest.mark.needs_service_bus
def test_a_message_that_nobody_settles_is_named(tmp_path: Path):
    bus = FanoutBus(tmp_path / "bus")
    try:
        bus.wait_until_settled()
        bus.ask([("nobody's", b"{}")])
        with pytest.raises(AssertionError, match="nobody's"):
            bus.wait_until_settled(stuck_seconds=0.5)
    finally:
        bus.close()


PARENT = """
import subprocess, sys
sleep = [sys.executable, "-c", "import time; print(flush=True); time.sleep(60)"]
more = ([], ["localhost.worker.process"])
children = [subprocess.Popen([*sleep, *words], stdout=subprocess.PIPE) for words in more]
for child in children:  # until it runs, its command line may be empty
    child.stdout.readline()
print(*(child.pid for child in children), flush=True)
sys.stdin.read()
for child in children:
    child.kill()
    child.wait()
"""


def test_a_child_of_a_host_that_is_no_worker_is_not_looked_at(tmp_path: Path):
    words = [sys.executable, "-c", PARENT]
    with subprocess.Popen(
        words, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout is not None
        _, worker = map(int, process.stdout.readline().split())
        peaks = peak_mib(HostProcess(process, "", tmp_path))
        process.communicate()
    assert peaks.keys() == {process.pid, worker}


class Busy(BaseHTTPRequestHandler):
    """Answers as it is told in turn."""

    answers: ClassVar[list[tuple[int, dict[str, str]]]] = []

    def do_GET(self) -> None:
        status, headers = self.answers.pop(0)
        self.send_response(status)
        for name, value in ({"Content-Length": "0"} | headers).items():
            self.send_header(name, value)
        self.end_headers()

    def log_message(self, format: str, *args: object) -> None:
        """Nobody reads it."""


@pytest.fixture
def busy(monkeypatch: pytest.MonkeyPatch) -> Iterator[PatientHost]:
    monkeypatch.setattr(Busy, "answers", [])
    with serve(ThreadingHTTPServer(("127.0.0.1", 0), Busy)) as port:
        yield PatientHost(Host("127.0.0.1", port))


@pytest.mark.parametrize("status", [200, 404, 500])
def test_who_is_busy_and_says_for_how_long_is_asked_again(busy: PatientHost, status: int):
    come_again = (503, {"Retry-After": "0.01"})
    Busy.answers.extend([come_again, come_again, (status, {})])
    assert busy.get("/").status == status
    assert Busy.answers == []


def test_who_is_busy_and_does_not_say_for_how_long_is_not(busy: PatientHost):
    Busy.answers.append((503, {}))
    assert busy.get("/").status == 503
