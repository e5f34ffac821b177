"""The demo of `reports`: which airlines kept New York waiting in 2013."""

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from azure.storage.blob import BlobServiceClient
from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.table import Table

from demo.api import Api
from demo.errors import DemoError
from demo.host import EmbeddedHost
from demo.progress import follow
from samples.flights import airline_names, write_flights

INBOX = "inbox"
RUNS = "runs"
BLOB = "flights.csv"
PICTURE = "report.png"
TITLE = "Departure delay by airline, minutes"
REQUEST = {
    "workload": "reports",
    "source": {"kind": "csv", "container": INBOX, "blob": BLOB},
    "parameters": {
        "group_by": ["carrier"],
        "metrics": {"dep_delay": ["mean", "std", "max"]},
        "sort": {"by": "dep_delay.mean", "descending": True},
        "chart": {
            "title": "Mean departure delay by airline, New York 2013",
            "unit": "minutes",
        },
    },
    "batch": {"max_items": 10_000},
}


@dataclass(frozen=True)
class Scene:
    """Where the demo plays.

    Attributes:
        folder: Where it leaves what it made.
    """

    host: EmbeddedHost
    folder: Path
    console: Console


def run(scene: Scene) -> None:
    """Upload the flights, run the report over them, and show it.

    Raises:
        DemoError: Something did not work.
    """
    console = scene.console
    flights = scene.folder / BLOB
    write_flights(flights)  # while the host starts
    api = Api(scene.host.wait_until_ready())
    with BlobServiceClient.from_connection_string(scene.host.connection_string()) as storage:
        source = upload(storage, flights)
        console.print(f"Source   {source} ({flights.stat().st_size / 1e6:.0f} MB)")
        run_id = api.start(REQUEST)
        console.print(f"Run      {run_id}")
        status = follow(api, run_id, console)
        if status["outcome"] != "succeeded":
            raise DemoError(f"The run ended as {json.dumps(status, indent=2)}")
        files = api.results(run_id)["files"]
        results = storage.get_container_client(RUNS)
        report = json.loads(results.download_blob(f"{run_id}/results/report.json").readall())
        picture = scene.folder / PICTURE
        picture.write_bytes(results.download_blob(f"{run_id}/results/{PICTURE}").readall())
        console.print(report_table(report, airline_names()))
        console.print("Results")
        for file in files:
            blob = results.get_blob_client(f"{run_id}/results/{file['name']}")
            console.print(f"  {blob.url}", soft_wrap=True)
    console.print(f"Picture  {_short(picture)}", soft_wrap=True)


def upload(storage: BlobServiceClient, path: Path) -> str:
    """Put a file into the inbox; return its URL."""
    container = storage.get_container_client(INBOX)
    if not container.exists():
        container.create_container()
    with path.open("rb") as file:
        blob = container.upload_blob(BLOB, file, overwrite=True, max_concurrency=2)
    return str(blob.url)


def report_table(report: dict[str, Any], names: dict[str, str]) -> Table:
    """Lay out the report as it came, with the names of the airlines."""
    table = Table(title=TITLE, title_justify="left", box=SIMPLE_HEAD)
    table.add_column("Airline", no_wrap=True)
    for heading in ("Code", "Flights", "Mean", "Std. dev.", "Longest"):
        table.add_column(heading, justify="left" if heading == "Code" else "right")
    for group in report["groups"]:
        code, delay = group["key"]["carrier"], group["metrics"]["dep_delay"]
        table.add_row(
            names.get(code, "?"),
            code,
            f"{group['rows']:,}",
            f"{delay['mean']:.2f}",
            f"{delay['std']:.2f}",
            f"{delay['max']:,}",
        )
    return table


def _short(path: Path) -> Path:
    here = Path.cwd()
    return path.relative_to(here) if path.is_relative_to(here) else path
