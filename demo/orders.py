"""The demo of `orders`: thousands are paid and shipped; failed ones leave nothing behind."""

import json
import os
from decimal import Decimal
from typing import Any

from azure.servicebus import ServiceBusClient
from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.table import Table

from demo.api import Api
from demo.errors import DemoError
from demo.progress import follow
from demo.results import Outcome, group_errors, read_outcomes
from demo.scene import Scene
from demo.storage import INBOX, open_inbox, open_storage
from samples.orders import make_orders, write_lines

SETTINGS = {
    "FANOUT_SERVICE_BUS": "UseDevelopmentServiceBus=true",
    "FUNCTIONS_WORKER_PROCESS_COUNT": "2",
}
# Of the 5,000 of the sample: the local storage emulator writes some hundred rows a second.
ORDERS = int(os.environ.get("DEMO_ORDERS", "1000"))
QUEUE = "shipments"
MAX_ERROR_TYPES = 8
QUIET_SECONDS = 2
MAX_MESSAGES = 500


def run(scene: Scene) -> None:
    """Fill the ledgers, process the orders, and show their outcomes and the money.

    Raises:
        DemoError: Something did not work.
    """
    console = scene.console
    sample = make_orders(ORDERS)
    api = Api(scene.host.wait_until_ready())
    pieces = sum(line["quantity"] for order in sample.orders for line in order["lines"])
    console.print(f"Source   {len(sample.orders):,} orders of {pieces:,} pieces, made by TPC-H")
    console.print(f"Ledgers  {len(sample.receipts):,} receipts of goods and money")
    _run_workload(scene, api, "receipts", sample.receipts)
    run_id = _run_workload(scene, api, "orders", sample.orders, tolerance={"percentage": 100})
    status = api.status(run_id)
    outcomes = read_outcomes(open_storage(scene.host), api, run_id)
    _show_totals(console, status["items"], outcomes)
    _show_errors(console, outcomes)
    packed = _count_shipments(scene)
    shipped = status["items"]["succeeded"]
    if packed != shipped:
        raise DemoError(f"{shipped} orders were shipped, {packed} shipments are to be packed.")
    console.print(f"Shipments  {packed:,} messages on the queue '{QUEUE}', one for each order")


def _run_workload(
    scene: Scene, api: Api, workload: str, items: list[dict[str, Any]], **options: Any
) -> str:
    """Upload items, run a workload over them to the end, and return the run's id."""
    path = scene.folder / f"{workload}.jsonl"
    write_lines(items, path)
    with path.open("rb") as file:
        open_inbox(open_storage(scene.host)).upload_blob(path.name, file, overwrite=True)
    source = {"kind": "jsonl", "container": INBOX, "blob": path.name}
    run_id = api.start({"workload": workload, "source": source} | options)
    scene.console.print(f"Run      {run_id}")
    status = follow(api, run_id, scene.console)
    if status["outcome"] not in ("succeeded", "partially_succeeded"):
        raise DemoError(f"The run ended as {json.dumps(status, indent=2)}")
    return run_id


def _show_totals(console: Console, items: dict[str, int], outcomes: list[Outcome]) -> None:
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
    console.print(f"Captured   {_captured_amount(outcomes):,.2f} USD, of shipped orders alone")


def _captured_amount(outcomes: list[Outcome]) -> Decimal:
    outputs = (outcome["output"] for outcome in outcomes if outcome["status"] == "succeeded")
    return sum((Decimal(output["capture_payment"]["amount"]) for output in outputs), Decimal(0))


def _show_errors(console: Console, outcomes: list[Outcome]) -> None:
    table = Table(title="Why orders failed", title_justify="left", box=SIMPLE_HEAD)
    for heading in ("Error", "Orders", "For example", "Undone"):
        table.add_column(heading, justify="right" if heading == "Orders" else "left")
    for group in group_errors(outcomes)[:MAX_ERROR_TYPES]:
        undone = ", ".join(group.example.get("saga", {}).get("undone", [])) or "-"
        message = group.example["error"]["message"]
        table.add_row(group.error_type, f"{group.count:,}", message, undone)
    console.print(table)


def _count_shipments(scene: Scene) -> int:
    """Count the shipments to pack; one that is cancelled is not, whenever its messages come."""
    shipments: dict[str, set[str]] = {"created": set(), "cancelled": set()}
    with (
        ServiceBusClient.from_connection_string(scene.host.service_bus()) as client,
        client.get_queue_receiver(QUEUE, receive_mode="receiveanddelete") as receiver,
    ):
        while batch := receiver.receive_messages(MAX_MESSAGES, max_wait_time=QUIET_SECONDS):
            for message in map(json.loads, map(str, batch)):
                shipments[message["event"]].add(message["shipment"])
    return len(shipments["created"] - shipments["cancelled"])
