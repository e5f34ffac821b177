"""Runs asked for by messages, seen with azure-servicebus alone."""

import json
import signal
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from azure.storage.blob import BlobServiceClient

from fanout.adapters.blob import API_VERSION
from tests.support.hosts.fanout_bus import FanoutBus, reason_of
from tests.support.hosts.hosts import chosen
from tests.support.hosts.product import Product
from tests.support.hosts.running_product import APP

pytestmark = [
    pytest.mark.timeout(900),
    pytest.mark.needs_service_bus,
    pytest.mark.needs_settings,
]
LOCK_SECONDS = 60
# What a killed host had received comes again when its locks end.
SHORT_LOCK_SECONDS = 5
MANY = 1_000
FEWER = 200
ONE_IN = 20
LONG_FORM_SECONDS = 60


@pytest.fixture
def bus(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[FanoutBus]:
    bus = FanoutBus(tmp_path / "bus", getattr(request, "param", LOCK_SECONDS))
    yield bus
    bus.close()


@contextmanager
def listening(storage: str, bus: FanoutBus, folder: Path) -> Iterator[Product]:
    """The product, whose runs may be as many at once as there are messages."""
    environment = {
        "FANOUT_STORAGE": storage,
        "FANOUT_SOURCE_CONTAINERS": "*",
        "FANOUT_SERVICE_BUS": bus.connection_string,
        "FANOUT_MAX_RUNS": "100",
        "FANOUT_LOG_LEVEL": "WARNING",
    }
    with BlobServiceClient.from_connection_string(storage, api_version=API_VERSION) as blobs:
        inbox = blobs.get_container_client("nothing")
        with chosen().running(APP, folder, "--no-stack", environment=environment) as host:
            yield Product(host, inbox, blobs)


def request(number: int = 0, **more: Any) -> bytes:
    source = {"kind": "inline", "items": [{"id": number}]}
    return json.dumps({"workload": "probe", "source": source} | more).encode()


def test_a_message_starts_a_run_whose_completion_event_is_received(
    storage: str, bus: FanoutBus, tmp_path: Path
):
    with listening(storage, bus, tmp_path) as product:
        bus.ask([("by-message", request())])
        (event,) = bus.events(1)
        assert (event["type"], event["subject"]) == ("fanout.run.completed", "by-message")
        assert event["data"]["items"]["succeeded"] == 1
        assert product.done("by-message")["outcome"] == "succeeded"
        assert bus.dead_letters(0) == bus.requests_left() == []


def test_the_same_message_twice_starts_one_run(storage: str, bus: FanoutBus, tmp_path: Path):
    with listening(storage, bus, tmp_path) as product:
        bus.ask([("twice", request())] * 2)
        assert [event["subject"] for event in bus.events(1)] == ["twice"]
        first = product.done("twice")
        bus.ask([("twice", request())])
        assert bus.events(0) == bus.dead_letters(0) == bus.requests_left() == []
        assert product.status("twice") == first


def test_each_kind_of_fault_is_a_dead_letter_that_says_so(
    storage: str, bus: FanoutBus, tmp_path: Path
):
    faults = {
        "no-json": (b'{"workload": ', "InvalidRequest", "line 1 column 13"),
        "no-text": (b"\xff\xfe\x00", "InvalidRequest", "it is UTF-16"),
        "nan": (b'{"max_items": NaN}', "InvalidRequest", "max_items: JSON has no NaN"),
        "surrogate": (b'{"run_id": "\\udce9"}', "InvalidRequest", "run_id: the text"),
        "no-workload": (request(workload="nothing"), "InvalidRequest", "'nothing'"),
        "other": (request(1, run_id="good"), "RunConflict", "another request"),
        "dry": (request(dry_run=True), "InvalidRequest", "dry_run"),
    }
    with listening(storage, bus, tmp_path):
        bus.ask([("good", b"\xef\xbb\xbf" + request())])  # with a byte order mark
        assert [event["subject"] for event in bus.events(1)] == ["good"]
        bus.ask([(name, fault[0]) for name, fault in faults.items()])
        letters = {str(m.correlation_id): m for m in bus.dead_letters(len(faults))}
        assert letters.keys() == faults.keys()
        for name, (body, reason, says) in faults.items():
            assert b"".join(letters[name].body) == body
            assert reason_of(letters[name])[0] == reason
            assert says in reason_of(letters[name])[1]
        assert bus.requests_left() == []


@pytest.mark.chaos
def test_of_many_messages_the_good_ones_run_and_each_bad_one_says_why(
    storage: str, bus: FanoutBus, tmp_path: Path, chaos_seconds: float
):
    """A thousand take some minutes, so they are for the long runs."""
    many = MANY if chaos_seconds >= LONG_FORM_SECONDS else FEWER
    bad = range(7, many, ONE_IN)
    bodies = [b"{" if n in bad else request(n) for n in range(many)]
    with listening(storage, bus, tmp_path):
        bus.ask((f"many-{n}", body) for n, body in enumerate(bodies))
        events = bus.events(many - len(bad))
        letters = bus.dead_letters(len(bad))
    assert {e["subject"] for e in events} == {f"many-{n}" for n in range(many) if n not in bad}
    assert {e["data"]["outcome"] for e in events} == {"succeeded"}
    assert {m.correlation_id for m in letters} == {f"many-{n}" for n in bad}
    assert {reason_of(m)[0] for m in letters} == {"InvalidRequest"}
    assert all(reason_of(m)[1] for m in letters)
    assert bus.requests_left() == []


@pytest.mark.chaos
@pytest.mark.needs_restart
@pytest.mark.parametrize("bus", [SHORT_LOCK_SECONDS], indirect=True)
def test_a_host_killed_while_receiving_loses_no_message_and_starts_none_twice(
    storage: str, bus: FanoutBus, tmp_path: Path
):
    wanted = {f"survivor-{n}" for n in range(60)}
    bus.ask((name, request(n)) for n, name in enumerate(sorted(wanted)))
    seen: list[str] = []
    for first_events in (1, 10):
        with listening(storage, bus, tmp_path) as product:
            seen += [event["subject"] for event in bus.some_events(first_events)]
            product.host.stop(signal.SIGKILL)
    with listening(storage, bus, tmp_path) as product:
        seen += [event["subject"] for event in bus.some_events(len(wanted) - len(set(seen)))]
        ended = {run_id: product.done(run_id) for run_id in wanted}
    # An event may be published again by a run that a kill kept from noting that it had been.
    assert set(seen) == wanted
    assert {status["items"]["succeeded"] for status in ended.values()} == {1}
    assert {status["redrive_count"] for status in ended.values()} == {0}
    assert bus.requests_left() == bus.dead_letters(0) == []
