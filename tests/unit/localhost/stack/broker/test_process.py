"""The broker beside the host: started where a setting asks for it, gone when the host goes."""

import asyncio
import json
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from localhost.stack.broker.process import DEVELOPMENT, ServiceBus, ServiceBusError, asks_for_broker

ROOT = Path(__file__).parents[5]
EMULATOR = (
    "Endpoint=sb://localhost;SharedAccessKeyName=k;SharedAccessKey=v;UseDevelopmentEmulator=true;"
)
SECONDS = 20


@pytest.fixture
def entities(tmp_path: Path) -> Path:
    path = tmp_path / "servicebus.json"
    path.write_text(
        json.dumps({"UserConfig": {"Namespaces": [{"Name": "n", "Queues": [{"Name": "q"}]}]}})
    )
    return path


@pytest.mark.parametrize(
    ("value", "asked"),
    [
        (DEVELOPMENT, True),
        (EMULATOR, True),
        (EMULATOR.replace("localhost", "localhost:5672"), False),
        ("Endpoint=sb://n.servicebus.windows.net/;SharedAccessKeyName=k;SharedAccessKey=v", False),
        ("", False),
    ],
)
def test_only_the_development_broker_without_a_port_is_asked_for(value: str, asked: bool) -> None:
    assert asks_for_broker(value) is asked


async def test_nothing_is_started_that_is_not_asked_for(tmp_path: Path, entities: Path) -> None:
    broker = ServiceBus(tmp_path / "data", {"OTHER": "x"}, entities)
    assert await broker.start() == {}
    assert broker.pid is None
    await broker.stop()


async def test_settings_get_the_address_of_a_broker_that_listens(
    tmp_path: Path, entities: Path
) -> None:
    broker = ServiceBus(tmp_path / "data", {"A": DEVELOPMENT, "B": EMULATOR, "C": "x"}, entities)
    found = await broker.start()
    assert set(found) == {"A", "B"}
    host, port = found["A"].partition("sb://")[2].partition(";")[0].split(":")
    _, writer = await asyncio.open_connection(host, int(port))
    writer.close()
    pid = broker.pid
    assert pid is not None
    await broker.stop()
    assert not _runs(pid)


async def test_a_broker_that_cannot_start_says_why(tmp_path: Path) -> None:
    broker = ServiceBus(tmp_path / "data", {"A": DEVELOPMENT}, tmp_path / "absent.json")
    with pytest.raises(ServiceBusError, match=r"absent\.json cannot be read"):
        await broker.start()
    assert broker.pid is None


def test_it_ends_when_its_host_is_killed(tmp_path: Path, entities: Path) -> None:
    script = (
        "import asyncio, sys\n"
        "from pathlib import Path\n"
        "from localhost.stack.broker.process import ServiceBus\n"
        "async def main():\n"
        "    broker = ServiceBus(Path(sys.argv[1]), {'A': 'UseDevelopmentEmulator=true'},"
        " Path(sys.argv[2]))\n"
        "    await broker.start()\n"
        "    print(broker.pid, flush=True)\n"
        "    await asyncio.sleep(600)\n"
        "asyncio.run(main())\n"
    )
    host = subprocess.Popen(
        [sys.executable, "-c", script, str(tmp_path / "data"), str(entities)],
        cwd=ROOT,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert host.stdout is not None
    pid = int(host.stdout.readline())
    host.send_signal(signal.SIGKILL)
    host.wait()
    host.stdout.close()
    until = time.monotonic() + SECONDS
    while _runs(pid):
        assert time.monotonic() < until, "the broker outlived its host"
        time.sleep(0.02)


def _runs(pid: int) -> bool:
    try:
        state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except OSError:
        return False
    return state != "Z"
