"""Messages received and completed per second: through triggers, and by a bare client.

All are sent before the clock starts, to a broker in a process of its own. The time of a trigger is
from the first response of the host until the queue is empty: by then all are completed. Broker,
host and worker share the machine.
"""

import asyncio
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from azure.servicebus import ServiceBusClient, ServiceBusMessage
from azure.servicebus.aio import ServiceBusClient as AsyncServiceBusClient

from bench import measure
from bench.host import run_host

APP = Path(__file__).parent / "apps" / "service_bus"
MESSAGES = 5000
MESSAGES_PER_SEND = 500
BODY_BYTES = 300
RUNS = 3
BUDGET_PER_SECOND = 1000
POLL_SECONDS = 0.02
TRIGGERS = {"batches": "many", "singles": "one"}


def main() -> None:
    """Measure each way to receive, print a table and save the figures."""
    ways: dict[str, Callable[[str], float]] = {
        "trigger, many": lambda bus: _receive_by_trigger(bus, "batches"),
        "trigger, one": lambda bus: _receive_by_trigger(bus, "singles"),
        "bare receiver": _receive_bare,
        "bare receiver, aio": lambda bus: asyncio.run(_receive_bare_aio(bus)),
    }
    with tempfile.TemporaryDirectory() as data, _run_broker(Path(data)) as bus:
        figures = {name: [MESSAGES / way(bus) for _ in range(RUNS)] for name, way in ways.items()}
    rows = [
        (name, f"{statistics.median(rates):,.0f}", f"{measure.spread(rates):.0%}")
        for name, rates in figures.items()
    ]
    title = f"{MESSAGES:,} messages of {BODY_BYTES} bytes, budget {BUDGET_PER_SECOND:,}/s"
    measure.show(title, ["received by", "messages/s", "spread"], rows)
    bare = statistics.median(figures["bare receiver"])
    print(f"trigger over bare: {statistics.median(figures['trigger, many']) / bare:.2f}")
    measure.save("service_bus", figures)


@contextmanager
def _run_broker(data: Path) -> Iterator[str]:
    """Run a broker; yield its connection string."""
    command = [sys.executable, "-m", "localhost.stack.broker", "--data", str(data)]
    command += ["--entities", str(APP / "servicebus.json")]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        try:
            assert process.stdout is not None
            lines = (line.partition("Connection string: ")[2] for line in process.stdout)
            yield next(line for line in lines if line).strip()
        finally:
            process.terminate()


def _receive_by_trigger(bus: str, queue: str) -> float:
    """Seconds from the host's first answer until the queue is empty."""
    _send(bus, queue)
    os.environ["BUS"] = bus
    for name, function in TRIGGERS.items():
        os.environ[f"AzureWebJobs.{function}.Disabled"] = str(name != queue).lower()
    with run_host(APP, "--no-stack"), ServiceBusClient.from_connection_string(bus) as client:
        start = time.perf_counter()
        with client.get_queue_receiver(queue) as receiver:
            while receiver.peek_messages(1):
                time.sleep(POLL_SECONDS)
        return time.perf_counter() - start


def _receive_bare(bus: str) -> float:
    """Seconds to receive and complete messages one after the other, as a program does."""
    _send(bus, "bare")
    remaining = MESSAGES
    client = ServiceBusClient.from_connection_string(bus)
    with client, client.get_queue_receiver("bare") as receiver:
        start = time.perf_counter()
        while remaining:
            for message in receiver.receive_messages(min(remaining, 1000), max_wait_time=5):
                receiver.complete_message(message)
                remaining -= 1
    return time.perf_counter() - start


async def _receive_bare_aio(bus: str) -> float:
    """The same with the coroutines of the client."""
    _send(bus, "bare")
    remaining = MESSAGES
    client = AsyncServiceBusClient.from_connection_string(bus)
    async with client, client.get_queue_receiver("bare") as receiver:
        start = time.perf_counter()
        while remaining:
            for message in await receiver.receive_messages(min(remaining, 1000), max_wait_time=5):
                await receiver.complete_message(message)
                remaining -= 1
    return time.perf_counter() - start


def _send(bus: str, queue: str) -> None:
    body = "x" * BODY_BYTES
    client = ServiceBusClient.from_connection_string(bus)
    with client, client.get_queue_sender(queue) as sender:
        for _ in range(0, MESSAGES, MESSAGES_PER_SEND):
            sender.send_messages([ServiceBusMessage(body) for _ in range(MESSAGES_PER_SEND)])


if __name__ == "__main__":
    main()
