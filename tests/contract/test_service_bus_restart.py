"""The development broker killed at any moment keeps what it accepted, and that only."""

import asyncio
import os
import re
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from azure.servicebus import (
    NEXT_AVAILABLE_SESSION,
    ServiceBusClient,
    ServiceBusMessage,
    ServiceBusReceivedMessage,
    ServiceBusReceiver,
    ServiceBusSubQueue,
)
from azure.servicebus.aio import ServiceBusClient as AsyncClient
from azure.servicebus.exceptions import ServiceBusError

from tests.support.hosts.service_bus import BrokerProcess, entities

# azure-servicebus leaves the socket of a connection that broke to the garbage collector.
pytestmark = pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
WAIT_SECONDS = 60
DEAD = ServiceBusSubQueue.DEAD_LETTER


@pytest.fixture
def broker(tmp_path: Path) -> Iterator[BrokerProcess]:
    broker = BrokerProcess(tmp_path, entities())
    broker.start()
    yield broker
    broker.kill()


def _client(broker: BrokerProcess) -> ServiceBusClient:
    return ServiceBusClient.from_connection_string(broker.connection_string, retry_total=0)


def _all(receiver: ServiceBusReceiver) -> list[ServiceBusReceivedMessage]:
    found: list[ServiceBusReceivedMessage] = []
    while batch := receiver.receive_messages(200, max_wait_time=1):
        found += batch
    return found


def test_a_kill_while_sending_loses_nothing_that_was_accepted(broker: BrokerProcess) -> None:
    accepted: list[str] = []
    tried: list[str] = []
    enough = threading.Event()

    def send() -> None:
        with _client(broker) as client, client.get_queue_sender("plain-0") as sender:
            for i in range(100_000):
                tried.append(str(i))
                try:
                    sender.send_messages(ServiceBusMessage(str(i)))
                except (ServiceBusError, OSError):
                    return
                accepted.append(str(i))
                if len(accepted) == 200:
                    enough.set()

    sending = threading.Thread(target=send)
    sending.start()
    assert enough.wait(60)
    broker.kill()
    sending.join(60)
    broker.start()
    with _client(broker) as client, client.get_queue_receiver("plain-0") as receiver:
        found = [str(message) for message in _all(receiver)]
    assert set(accepted) <= set(found) <= set(tried)
    assert len(found) == len(set(found))


def test_a_kill_while_receiving_brings_back_only_what_was_not_completed(
    broker: BrokerProcess,
) -> None:
    completed: list[str] = []
    with _client(broker) as client:
        with client.get_queue_sender("plain-1") as sender:
            sender.send_messages([ServiceBusMessage(str(i)) for i in range(100)])
        with client.get_queue_receiver("plain-1", prefetch_count=50) as receiver:
            messages = receiver.receive_messages(50, max_wait_time=WAIT_SECONDS)
            for message in messages[:30]:
                receiver.complete_message(message)
                completed.append(str(message))
            broker.kill()
            broker.start()
    with _client(broker) as client, client.get_queue_receiver("plain-1") as receiver:
        found = _all(receiver)
    counts = {str(message): message.delivery_count for message in found}
    assert sorted(completed + list(counts), key=int) == [str(i) for i in range(100)]
    assert all(counts[str(message)] == 1 for message in messages[30:])


def test_sessions_go_on_after_a_kill_and_what_was_delivered_counts(broker: BrokerProcess) -> None:
    with _client(broker) as client:
        with client.get_queue_sender("sessions-0") as sender:
            for body in ("a1", "b1", "a2"):
                sender.send_messages(ServiceBusMessage(body, session_id=body[0]))
        with client.get_queue_receiver("sessions-0", session_id="a") as receiver:
            assert receiver.receive_messages(1, max_wait_time=WAIT_SECONDS)
            receiver.session.set_state("half")
            broker.kill()
            broker.start()
    with (
        _client(broker) as client,
        client.get_queue_receiver("sessions-0", session_id=NEXT_AVAILABLE_SESSION) as receiver,
    ):
        (message,) = receiver.receive_messages(1, max_wait_time=WAIT_SECONDS)
        assert (str(message), message.session_id, message.delivery_count) == ("a1", "a", 1)
        assert receiver.session.get_state() == b"half"


def test_every_state_survives_a_kill(broker: BrokerProcess) -> None:
    due = datetime.now(UTC) + timedelta(seconds=4)
    with _client(broker) as client:
        with client.get_queue_sender("plain-2") as sender:
            sender.send_messages([ServiceBusMessage(text) for text in ("dead", "put off", "new")])
            sender.schedule_messages(ServiceBusMessage("scheduled"), due)
        with client.get_queue_receiver("plain-2") as receiver:
            dead, put_off = receiver.receive_messages(2, max_wait_time=WAIT_SECONDS)
            receiver.dead_letter_message(dead, reason="r", error_description="d")
            receiver.defer_message(put_off)
        broker.kill()
        broker.start()
    with _client(broker) as client:
        with client.get_queue_receiver("plain-2") as receiver:
            assert [str(m) for m in receiver.receive_messages(1, max_wait_time=5)] == ["new"]
            [deferred] = receiver.receive_deferred_messages(put_off.sequence_number)
            assert str(deferred) == "put off"
            late = receiver.receive_messages(1, max_wait_time=WAIT_SECONDS)
            assert [str(m) for m in late] == ["scheduled"]
            assert datetime.now(UTC) >= due
        with client.get_queue_receiver("plain-2", sub_queue=DEAD) as receiver:
            [buried] = receiver.receive_messages(1, max_wait_time=5)
    assert (buried.dead_letter_reason, buried.dead_letter_error_description) == ("r", "d")


def test_numbers_and_known_ids_go_on_after_a_kill(broker: BrokerProcess) -> None:
    def send(body: str, message_id: str) -> None:
        with _client(broker) as client, client.get_queue_sender("unique-0") as sender:
            sender.send_messages(ServiceBusMessage(body, message_id=message_id))

    send("a", "1")
    with _client(broker) as client, client.get_queue_receiver("unique-0") as receiver:
        [first] = receiver.receive_messages(1, max_wait_time=WAIT_SECONDS)
        receiver.complete_message(first)
    broker.kill()
    broker.start()
    send("a again", "1")
    send("b", "2")
    with _client(broker) as client, client.get_queue_receiver("unique-0") as receiver:
        [second] = _all(receiver)
    assert str(second) == "b"
    assert second.sequence_number > first.sequence_number


def test_a_killed_receiver_takes_no_message_with_it(broker: BrokerProcess) -> None:
    script = (
        "import sys; from azure.servicebus import ServiceBusClient as Client\n"
        "receiver = Client.from_connection_string(sys.argv[1]).get_queue_receiver('plain-4')\n"
        "receiver.receive_messages(10, max_wait_time=1); print('waits', flush=True)\n"
        "receiver.receive_messages(10, max_wait_time=600)\n"
    )
    command = [sys.executable, "-c", script, broker.connection_string]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as waiting:
        assert waiting.stdout is not None and waiting.stdout.readline() == "waits\n"
        waiting.kill()
    with _client(broker) as client:
        with client.get_queue_sender("plain-4") as sender:
            sender.send_messages(ServiceBusMessage("a"))
        with client.get_queue_receiver("plain-4") as receiver:
            [message] = receiver.receive_messages(1, max_wait_time=WAIT_SECONDS)
    assert (str(message), message.delivery_count) == ("a", 0)


def test_bytes_that_are_not_amqp_end_their_connection_and_nothing_else(
    broker: BrokerProcess,
) -> None:
    host, port = re.findall(r"sb://([^:]+):(\d+)", broker.connection_string)[0]
    for junk in (b"GET / HTTP/1.1\r\n\r\n", b"AMQP\x00\x01\x00\x00\xff\xff\xff\xff" * 9):
        with socket.create_connection((host, int(port)), timeout=WAIT_SECONDS) as raw:
            raw.sendall(junk)
            while raw.recv(1000):
                pass
    with _client(broker) as client, client.get_queue_sender("plain-5") as sender:
        sender.send_messages(ServiceBusMessage("a"))


def test_an_idle_broker_rests(broker: BrokerProcess) -> None:
    with _client(broker) as client, client.get_queue_receiver("plain-3") as receiver:
        assert receiver.receive_messages(1, max_wait_time=0.5) == []
        before = _cpu_seconds(broker.pid)
        assert receiver.receive_messages(1, max_wait_time=4) == []
        assert _cpu_seconds(broker.pid) - before < 0.1


async def test_clients_that_left_leave_no_memory_behind(broker: BrokerProcess) -> None:
    async def visit(client: AsyncClient) -> None:
        async with client.get_queue_sender("plain-6") as sender:
            await sender.send_messages(ServiceBusMessage(b"x" * 20_000))
        async with client.get_queue_receiver("plain-6") as receiver:
            [message] = await receiver.receive_messages(1, max_wait_time=WAIT_SECONDS)
            await receiver.complete_message(message)
            await receiver.peek_messages(1)

    sizes = []
    async with AsyncClient.from_connection_string(broker.connection_string) as client:
        for _ in range(3):
            await asyncio.gather(*[visit(client) for _ in range(16)])
            sizes.append(_resident_kib(broker.pid))
    assert sizes[2] - sizes[0] < 1024, sizes


def _resident_kib(pid: int) -> int:
    return int(re.findall(r"VmRSS:\s+(\d+)", Path(f"/proc/{pid}/status").read_text())[0])


def _cpu_seconds(pid: int) -> float:
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")
