"""What others hear of a run, received with azure-servicebus."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from azure.storage.blob import BlobServiceClient, ContainerClient

from fanout.adapters.blob import API_VERSION
from tests.support.hosts.fanout_bus import FanoutBus, reason_of
from tests.support.hosts.hosts import chosen
from tests.support.hosts.product import Product, new_container
from tests.support.hosts.running_product import APP

pytestmark = pytest.mark.needs_settings
QUICK = {"max_attempts": 1, "base_seconds": 0.01, "max_seconds": 0.01, "jitter_seconds": 0.01}


@pytest.fixture(scope="module")
def telling(
    storage: str, bus: FanoutBus, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Product]:
    """The product with a Service Bus, that starts no runs by messages."""
    environment = {
        "FANOUT_STORAGE": storage,
        "FANOUT_SOURCE_CONTAINERS": "*",
        "FANOUT_RUNS_CONTAINER": new_container("telling"),
        "FANOUT_SERVICE_BUS": bus.connection_string,
        "AzureWebJobs.start_runs.Disabled": "true",
    }
    blobs = BlobServiceClient.from_connection_string(storage, api_version=API_VERSION)
    inbox: ContainerClient = blobs.get_container_client("nothing")
    folder: Path = tmp_path_factory.mktemp("telling")
    with chosen().running(APP, folder, "--no-stack", environment=environment) as host:
        yield Product(host, inbox, blobs)


def probe(items: list[dict[str, Any]], **more: Any) -> dict[str, Any]:
    source = {"kind": "inline", "items": [{"id": n} | item for n, item in enumerate(items)]}
    return {"workload": "probe", "source": source, "retry": QUICK} | more


def test_the_end_of_a_run_and_its_dead_letters_are_received_once(telling: Product, bus: FanoutBus):
    items = [{}, {"ending": "permanent"}, {"ending": "crash"}] * 40
    status = telling.run(probe(items, run_id="told", tolerance={"percentage": 100}))
    (event,) = bus.events(1)
    assert (event["type"], event["subject"]) == ("fanout.run.completed", "told")
    assert (event["id"], event["specversion"]) == ("told/a1/fanout.run.completed", "1.0")
    assert event["data"]["items"] == status["items"]
    assert event["time"] == status["finished_at"]
    letters = bus.dead_letters(80)
    indices = sorted(json.loads(str(m))["index"] for m in letters)
    assert indices == [n for n in range(120) if n % 3 != 0]
    assert {m.message_id for m in letters} == {f"told/a1/{n}" for n in indices}
    assert {reason_of(m)[0] for m in letters} == {"PermanentError", "ZeroDivisionError"}


def test_a_redrive_tells_its_own_end_and_only_what_it_gave_up_on(telling: Product, bus: FanoutBus):
    telling.run(probe([{"ending": "permanent"}, {"good": 2}], run_id="again"))
    (first,) = bus.events(1)
    assert first["type"] == "fanout.run.failed"
    assert len(bus.dead_letters(2)) == 2
    assert telling.host.request("POST", "/api/runs/again/redrive", b"").status == 202
    (second,) = bus.events(1)
    assert second["id"].startswith("again/a2/")
    assert second["data"]["attempt"] == 2
    failed = second["data"]["items"]["failed"]
    assert {m.message_id for m in bus.dead_letters(failed)} <= {"again/a2/0", "again/a2/1"}


def test_compensated_runs_are_told_as_such(telling: Product, bus: FanoutBus):
    one_by_one = {"batch": {"max_items": 1}, "concurrency": {"batches": 1}}
    items = [{}, {}, {"ending": "permanent"}]
    telling.run(probe(items, run_id="undone", on_exceeded="compensate", **one_by_one))
    (event,) = bus.events(1)
    assert event["type"] == "fanout.run.compensated"
    assert event["data"]["items"]["compensated"] == 2
    (letter,) = bus.dead_letters(1)
    assert letter.message_id == "undone/a1/2"
