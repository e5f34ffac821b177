"""The demo of `orders`: thousands are paid and shipped; those that fail leave nothing behind."""

import json
import os
from collections import Counter
from decimal import Decimal
from typing import Any

from azure.servicebus import ServiceBusClient
from azure.storage.blob import BlobServiceClient
from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.table import Table

from demo.api import Api
from demo.errors import DemoError
from demo.progress import follow
from demo.reports import Scene
from samples.orders import make_orders, write_lines

SETTINGS = {
    "FANOUT_SERVICE_BUS": "UseDevelopmentServiceBus=true",
    "FUNCTIONS_WORKER_PROCESS_COUNT": "2",
}
# Of the 5,000 of the sample: the local storage emulator writes some hundred rows a second.
ORDERS = int(os.environ.get("DEMO_ORDERS", "1000"))
CONTAINER = "inbox"
QUEUE = "shipments"
SHOWN_KINDS = 8
QUIET_SECONDS = 2
MOST_AT_ONCE = 500


def run(scene: Scene) -> None:
    """Fill the ledgers, process the orders, and show what became of them and the money.

    Raises:
        DemoError: Something did not work.
    """
    console = scene.console
    sample = make_orders(ORDERS)
    api = Api(scene.host.wait_until_ready())
    pieces = sum(line["quantity"] for order in sample.orders for line in order["lines"])
    console.print(f"Source   {len(sample.orders):,} orders of {pieces:,} pieces, made by TPC-H")
    console.print(f"Ledgers  {len(sample.receipts):,} receipts of goods and money")
    _run(scene, api, "receipts", sample.receipts)
    run_id = _run(scene, api, "orders", sample.orders, tolerance={"percentage": 100})
    status = api.status(run_id)
    outcomes = _outcomes(scene, api, run_id)
    _show_ends(console, status, outcomes)
    _show_failures(console, outcomes)
    packed = _shipments(scene)
    shipped = status["items"]["succeeded"]
    if packed != shipped:
        raise DemoError(f"{shipped} orders were shipped, {packed} shipments are to be packed.")
    console.print(f"Shipments  {packed:,} messages on the queue '{QUEUE}', one for each order")


def _run(scene: Scene, api: Api, workload: str, items: list[dict[str, Any]], **more: Any) -> str:
    """Upload items, run a workload over them to the end, and give the run's id."""
    path = scene.folder / f"{workload}.jsonl"
    write_lines(items, path)
    service = BlobServiceClient.from_connection_string(scene.host.connection_string())
    container = service.get_container_client(CONTAINER)
    if not container.exists():
        container.create_container()
    with path.open("rb") as file:
        container.upload_blob(path.name, file, overwrite=True)
    source = {"kind": "jsonl", "container": CONTAINER, "blob": path.name}
    run_id = api.start({"workload": workload, "source": source} | more)
    scene.console.print(f"Run      {run_id}")
    status = follow(api, run_id, scene.console)
    if status["outcome"] not in ("succeeded", "partially_succeeded"):
        raise DemoError(f"The run ended as {json.dumps(status, indent=2)}")
    return run_id


def _outcomes(scene: Scene, api: Api, run_id: str) -> list[dict[str, Any]]:
    """Every outcome line of the result files."""
    service = BlobServiceClient.from_connection_string(scene.host.connection_string())
    container = service.get_container_client("runs")
    names = [file["name"] for file in api.results(run_id)["files"]]
    return [
        json.loads(line)
        for name in names
        if name.endswith(".jsonl") and not name.startswith("DEAD-LETTERS")
        for line in container.download_blob(f"{run_id}/results/{name}").readall().splitlines()
    ]


def _show_ends(console: Console, status: dict[str, Any], outcomes: list[dict[str, Any]]) -> None:
    items = status["items"]
    captured = sum(
        (
            Decimal(line["output"]["capture_payment"]["amount"])
            for line in outcomes
            if line["status"] == "succeeded"
        ),
        Decimal(0),
    )
    rows = (
        ("shipped", items["succeeded"]),
        ("rejected, nothing to undo", items["failed"]),
        ("undone", items["compensated"]),
        ("could not be undone", items["compensation_failed"]),
    )
    table = Table(title="Orders", title_justify="left", box=SIMPLE_HEAD)
    table.add_column("Ended as")
    table.add_column("Orders", justify="right")
    for name, count in rows:
        table.add_row(name, f"{count:,}")
    console.print(table)
    console.print(f"Captured   {captured:,.2f} USD, of shipped orders alone")


def _show_failures(console: Console, outcomes: list[dict[str, Any]]) -> None:
    kinds: Counter[str] = Counter()
    examples: dict[str, dict[str, Any]] = {}
    for line in outcomes:
        if line["status"] != "succeeded":
            kinds[line["error"]["type"]] += 1
            examples.setdefault(line["error"]["type"], line)
    table = Table(title="Why orders failed", title_justify="left", box=SIMPLE_HEAD)
    table.add_column("Error")
    table.add_column("Orders", justify="right")
    table.add_column("For example")
    table.add_column("Undone")
    for kind, count in kinds.most_common(SHOWN_KINDS):
        line = examples[kind]
        undone = ", ".join(line.get("saga", {}).get("undone", [])) or "-"
        table.add_row(kind, f"{count:,}", line["error"]["message"], undone)
    console.print(table)


def _shipments(scene: Scene) -> int:
    """Count what is to be packed: `cancelled` is the last word on a shipment."""
    told: dict[str, set[str]] = {"created": set(), "cancelled": set()}
    with (
        ServiceBusClient.from_connection_string(scene.host.service_bus()) as client,
        client.get_queue_receiver(QUEUE, receive_mode="receiveanddelete") as receiver,
    ):
        while some := receiver.receive_messages(MOST_AT_ONCE, max_wait_time=QUIET_SECONDS):
            for message in map(json.loads, map(str, some)):
                told[message["event"]].add(message["shipment"])
    return len(told["created"] - told["cancelled"])
