"""Messages received and completed per second: through triggers, and by a bare client.

Sender, broker, host and worker share the machine, and the time to send is part of each figure. A
run is over when nothing is left in the queue.
"""

import json
import os
import statistics
import time
from collections.abc import Callable
from pathlib import Path

from azure.servicebus import ServiceBusClient, ServiceBusMessage

from bench import measure
from bench.host import running

APP = Path(__file__).parent / "apps" / "service_bus"
MESSAGES = 4000
SENT_TOGETHER = 500
BODY_BYTES = 300
RUNS = 3
BUDGET_PER_SECOND = 1000
POLL_SECONDS = 0.05


def main() -> None:
    """Measure each way to receive, print a table and save the figures."""
    os.environ["BUS"] = "UseDevelopmentServiceBus=true"
    with running(APP) as host:
        stack = json.loads((host.data / "stack.json").read_text())
        with ServiceBusClient.from_connection_string(stack["BUS"]) as client:
            ways = {
                "trigger, many": lambda: _through_trigger(client, "batches"),
                "trigger, one": lambda: _through_trigger(client, "singles"),
                "bare receiver, of 1000": lambda: _bare(client),
                "nobody: sending alone": lambda: _sending(client),
            }
            figures = {name: _rates(way) for name, way in ways.items()}
    rows = [
        (name, f"{statistics.median(rates):,.0f}", f"{measure.spread(rates):.0%}")
        for name, rates in figures.items()
    ]
    title = f"{MESSAGES:,} messages of {BODY_BYTES} bytes, budget {BUDGET_PER_SECOND:,}/s"
    measure.show(title, ["received by", "messages/s", "spread"], rows)
    measure.save("service_bus", figures)


def _rates(way: Callable[[], float]) -> list[float]:
    return [MESSAGES / way() for _ in range(RUNS)]


def _through_trigger(client: ServiceBusClient, queue: str) -> float:
    """Seconds from the first message sent until the queue is empty: sending is part of it."""
    began = time.perf_counter()
    _send(client, queue)
    with client.get_queue_receiver(queue) as receiver:
        while receiver.peek_messages(1):
            time.sleep(POLL_SECONDS)
    return time.perf_counter() - began


def _bare(client: ServiceBusClient) -> float:
    """Seconds to send, receive and complete, one after the other, as a program would."""
    began = time.perf_counter()
    _send(client, "bare")
    left = MESSAGES
    with client.get_queue_receiver("bare") as receiver:
        while left:
            for message in receiver.receive_messages(min(left, 1000), max_wait_time=5):
                receiver.complete_message(message)
                left -= 1
    return time.perf_counter() - began


def _sending(client: ServiceBusClient) -> float:
    """Seconds to send, which every other way takes as well."""
    began = time.perf_counter()
    _send(client, "bare")
    return time.perf_counter() - began


def _send(client: ServiceBusClient, queue: str) -> None:
    body = "x" * BODY_BYTES
    with client.get_queue_sender(queue) as sender:
        for _ in range(0, MESSAGES, SENT_TOGETHER):
            sender.send_messages([ServiceBusMessage(body) for _ in range(SENT_TOGETHER)])


if __name__ == "__main__":
    main()
