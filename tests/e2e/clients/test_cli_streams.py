"""What a shell does to the command line: it closes pipes, lacks characters, and interrupts."""

import fcntl
import json
import os
import signal
import subprocess
import sys
import termios
import time
from array import array
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.support.hosts.command_line import COMMAND, ROOT, Shell, shell_on
from tests.support.hosts.hosts import patient
from tests.support.hosts.product import DEADLINE_SECONDS

# What the command line does with files and streams no other host changes.
pytestmark = pytest.mark.needs_spare_time
# As a shell tells the end by SIGPIPE: 128 and 13.
QUIET_CODES = (0, 141)
MANY = 3_000
FULL = Path("/dev/full")
NAME = "ключ-é-\u2028"


@pytest.fixture(scope="module")
def fanout(storage: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Shell]:
    with shell_on(storage, tmp_path_factory.mktemp("cli-streams")) as shell:
        rows = "".join(f'{{"id": "{NAME}{n}", "says": "{NAME}"}}\n' for n in range(MANY))
        words = ("submit", "-w", "probe", "-d", "-", "--kind", "jsonl", "--run-id", "many")
        shell(*words, "--tolerate", "100%", "--watch", code=3, stdin=rows)
        yield shell


def start(fanout: Shell, *words: str, **options: Any) -> subprocess.Popen[bytes]:
    return subprocess.Popen([*COMMAND, *words], cwd=ROOT, env=fanout.environment, **options)


@pytest.mark.parametrize(
    "words",
    [
        ("items", "many", "--limit", "0"),
        ("items", "many", "--limit", "0", "--json"),
        ("list",),
        ("list", "--json"),
        ("show", "many"),
        ("show", "many", "--json"),
        ("watch", "many"),
        ("watch", "many", "--json"),
        ("results", "many"),
        ("results", "many", "--json"),
        ("workloads",),
        ("workloads", "reports"),
        ("schedules",),
        ("submit", "--help"),
        ("--help",),
    ],
)
@pytest.mark.parametrize("bytes_read", [0, 1])
def test_a_reader_that_stops_ends_a_command_quietly(
    fanout: Shell, words: tuple[str, ...], bytes_read: int
):
    process = start(fanout, *words, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    assert process.stdout is not None and process.stderr is not None
    if bytes_read:
        assert os.read(process.stdout.fileno(), bytes_read)
    process.stdout.close()
    told = process.stderr.read().decode()
    process.stderr.close()
    ended = process.wait(patient(DEADLINE_SECONDS))
    # A watch tells on standard error how the run goes, and by its code how it went.
    progress = [line for line in told.splitlines() if not line.startswith("done: ")]
    assert progress == []
    assert ended in (*QUIET_CODES, 3 if words[0] == "watch" else 0)


def test_head_gets_its_line_and_nothing_is_complained_of(fanout: Shell):
    command = " ".join([*COMMAND, "items many --limit 0 --json | head -n 1"])
    done = subprocess.run(
        ["/bin/sh", "-c", command],
        cwd=ROOT,
        env=fanout.environment,
        capture_output=True,
        check=True,
    )
    assert json.loads(done.stdout)["index"] == 0
    assert done.stderr == b""


def test_both_streams_may_go_to_a_reader_that_stops(fanout: Shell):
    process = start(fanout, "show", "none", stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
    assert process.stdout is not None
    process.stdout.close()
    assert process.wait(patient(DEADLINE_SECONDS)) in (*QUIET_CODES, 1)


@pytest.mark.skipif(not FULL.exists(), reason="there is no full device here")
def test_a_full_disk_is_told(fanout: Shell):
    with FULL.open("wb") as full:
        process = start(fanout, "list", stdout=full, stderr=subprocess.PIPE)
        told = process.communicate(timeout=patient(DEADLINE_SECONDS))[1].decode()
    assert process.returncode == 1
    assert told == "The output cannot be written: No space left on device.\n"


@pytest.mark.parametrize("closed", ["<&-", ">&-", "2>&-", "<&- >&- 2>&-"])
def test_closed_streams_are_borne(fanout: Shell, closed: str):
    done = subprocess.run(
        ["/bin/sh", "-c", " ".join([*COMMAND, "list", closed])],
        cwd=ROOT,
        env=fanout.environment,
        capture_output=True,
        check=False,
    )
    assert (done.returncode, done.stderr) == (0, b"")


@pytest.mark.parametrize(
    "environment",
    [
        {"PYTHONIOENCODING": "ascii"},
        {"PYTHONIOENCODING": "latin-1"},
        {"LC_ALL": "C", "PYTHONCOERCECLOCALE": "0", "PYTHONUTF8": "0"},
    ],
)
def test_what_an_encoding_lacks_is_an_escape_and_json_stays_json(
    fanout: Shell, environment: dict[str, str]
):
    table = run(fanout, environment, "items", "many", "-n", "3")
    assert b"item-" in table
    lines = run(fanout, environment, "items", "many", "-n", "3", "--json")
    encoding = environment.get("PYTHONIOENCODING", "utf-8")
    items = [json.loads(line) for line in lines.decode(encoding).split("\n")[:-1]]
    assert [item["item_id"] for item in items] == [f"item-{NAME}{n}" for n in range(3)]
    run(fanout, environment, "show", "many")
    refused = run(fanout, environment, "show", NAME.strip("\u2028"), code=1)
    assert b"Not Found (404)" in refused
    run(fanout, environment, "show", "caf\udce9", code=1)
    run(fanout, environment, "--help")


def run(fanout: Shell, environment: dict[str, str], *words: str, code: int = 0) -> bytes:
    done = subprocess.run(
        [*COMMAND, *words],
        cwd=ROOT,
        env=fanout.environment | environment,
        capture_output=True,
        check=False,
    )
    assert done.returncode == code, done.stderr
    assert b"Traceback" not in done.stderr
    return done.stdout + done.stderr


@pytest.mark.parametrize(
    "words", [("submit", "-w", "probe", "-d", "-", "--kind", "csv"), ("submit", "-")]
)
def test_an_interrupt_ends_a_command_with_130_and_no_traceback(
    fanout: Shell, words: tuple[str, ...]
):
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "stderr": subprocess.PIPE}
    process = start(fanout, *words, **pipes)
    wait_until_it_reads(process)
    process.send_signal(signal.SIGINT)
    out, told = process.communicate(timeout=patient(DEADLINE_SECONDS))
    assert process.returncode == 130
    assert (out, told) == (b"", b"")


def test_an_interrupt_while_the_command_loads_ends_it_with_130_as_well(fanout: Shell):
    code = (
        "import builtins, os, signal\n"
        "from cli.main import main\n"
        "load = builtins.__import__\n"
        "def interrupt(name, *rest, **more):\n"
        "    if name == 'cli.app':\n"
        "        os.kill(os.getpid(), signal.SIGINT)\n"
        "    return load(name, *rest, **more)\n"
        "builtins.__import__ = interrupt\n"
        "main()\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", code],
        cwd=ROOT,
        env=fanout.environment,
        capture_output=True,
        check=False,
    )
    assert (done.returncode, done.stderr) == (130, b"")


def wait_until_it_reads(process: subprocess.Popen[bytes]) -> None:
    """Give a process a byte of standard input, and wait until it has taken it."""
    assert process.stdin is not None
    process.stdin.write(b" ")
    process.stdin.flush()
    left, deadline = array("i", [1]), time.monotonic() + patient(DEADLINE_SECONDS)
    while left[0]:
        assert time.monotonic() < deadline, "it never asked for its standard input"
        time.sleep(0.05)
        fcntl.ioctl(process.stdin.fileno(), termios.FIONREAD, left)
