"""Messages received and completed per second: through triggers, and by a bare client.

All are sent before a clock starts, to a broker of its own process. The clock of a trigger runs from
the moment the host answers until the broker has nothing left in the queue: all were completed by
then. Broker, host and worker share the machine.
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
from bench.host import running

APP = Path(__file__).parent / "apps" / "service_bus"
MESSAGES = 5000
SENT_TOGETHER = 500
BODY_BYTES = 300
RUNS = 3
BUDGET_PER_SECOND = 1000
POLL_SECONDS = 0.02
TRIGGERS = {"batches": "many", "singles": "one"}


def main() -> None:
    """Measure each way to receive, print a table and save the figures."""
    ways: dict[str, Callable[[str], float]] = {
        "trigger, many": lambda bus: _through_trigger(bus, "batches"),
        "trigger, one": lambda bus: _through_trigger(bus, "singles"),
        "bare receiver": _bare,
        "bare receiver, aio": lambda bus: asyncio.run(_bare_aio(bus)),
    }
    with tempfile.TemporaryDirectory() as data, _broker(Path(data)) as bus:
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
def _broker(data: Path) -> Iterator[str]:
    """Run a broker; gives its connection string."""
    command = [sys.executable, "-m", "localhost.stack.broker", "--data", str(data)]
    command += ["--entities", str(APP / "servicebus.json")]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        try:
            assert process.stdout is not None
            lines = (line.partition("Connection string: ")[2] for line in process.stdout)
            yield next(line for line in lines if line).strip()
        finally:
            process.terminate()


def _through_trigger(bus: str, queue: str) -> float:
    """Seconds from the host's first answer until the queue is empty."""
    _send(bus, queue)
    os.environ["BUS"] = bus
    for name, function in TRIGGERS.items():
        os.environ[f"AzureWebJobs.{function}.Disabled"] = str(name != queue).lower()
    with running(APP, "--no-stack"), ServiceBusClient.from_connection_string(bus) as client:
        began = time.perf_counter()
        with client.get_queue_receiver(queue) as receiver:
            while receiver.peek_messages(1):
                time.sleep(POLL_SECONDS)
        return time.perf_counter() - began


def _bare(bus: str) -> float:
    """Seconds to receive and complete, one after the other, as a program would."""
    _send(bus, "bare")
    left = MESSAGES
    client = ServiceBusClient.from_connection_string(bus)
    with client, client.get_queue_receiver("bare") as receiver:
        began = time.perf_counter()
        while left:
            for message in receiver.receive_messages(min(left, 1000), max_wait_time=5):
                receiver.complete_message(message)
                left -= 1
    return time.perf_counter() - began


async def _bare_aio(bus: str) -> float:
    """The same by the client's coroutines."""
    _send(bus, "bare")
    left = MESSAGES
    client = AsyncServiceBusClient.from_connection_string(bus)
    async with client, client.get_queue_receiver("bare") as receiver:
        began = time.perf_counter()
        while left:
            for message in await receiver.receive_messages(min(left, 1000), max_wait_time=5):
                await receiver.complete_message(message)
                left -= 1
    return time.perf_counter() - began


def _send(bus: str, queue: str) -> None:
    body = "x" * BODY_BYTES
    client = ServiceBusClient.from_connection_string(bus)
    with client, client.get_queue_sender(queue) as sender:
        for _ in range(0, MESSAGES, SENT_TOGETHER):
            sender.send_messages([ServiceBusMessage(body) for _ in range(SENT_TOGETHER)])


if __name__ == "__main__":
    main()
