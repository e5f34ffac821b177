"""The demo of `reports`: which airlines kept New York waiting in 2013."""

import json
from pathlib import Path
from typing import Any

from azure.storage.blob import BlobServiceClient
from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.table import Table

from demo.api import Api
from demo.errors import DemoError
from demo.progress import follow
from demo.results import result_blob
from demo.scene import Scene
from demo.storage import INBOX, RUNS, open_inbox, open_storage
from samples.flights import airline_names, write_flights

BLOB = "flights.csv"
PICTURE = "report-airlines.png"
PAGE = "report.html"
NAMES = ("airlines", "months", "destinations")
TITLE = "Departure delay by airline, minutes"
TOP = 10
REQUEST = {
    "workload": "reports",
    "source": {"kind": "csv", "container": INBOX, "blob": BLOB},
    "parameters": {
        "reports": [
            {
                "name": "airlines",
                "group_by": ["carrier"],
                "metrics": {"dep_delay": ["mean", "std", "p90", "max"]},
                "sort": {"by": "dep_delay.mean", "descending": True},
                "chart": {
                    "title": "Mean departure delay by airline, New York 2013",
                    "unit": "minutes",
                },
            },
            {
                "name": "months",
                "group_by": [{"column": "time_hour", "every": "month"}],
                "metrics": {"dep_delay": ["mean", "p90"]},
                "chart": {"title": "Mean departure delay by month", "unit": "minutes"},
            },
            {
                "name": "destinations",
                "group_by": ["dest"],
                "metrics": {"dep_delay": ["p90"], "tailnum": ["approx_distinct"]},
                "top": {"n": TOP, "by": "rows"},
                "chart": {"title": "Where most flights went", "metric": "rows"},
            },
        ]
    },
    "batch": {"max_items": 10_000},
}


def run(scene: Scene) -> None:
    """Upload the flights, run the report over them, and show it.

    Raises:
        DemoError: Something did not work.
    """
    console = scene.console
    flights = scene.folder / BLOB
    write_flights(flights)  # while the host starts
    api = Api(scene.host.wait_until_ready())
    with open_storage(scene.host) as storage:
        url = upload(storage, flights)
        console.print(f"Source   {url} ({flights.stat().st_size / 1e6:.0f} MB)")
        run_id = _run_report(api, console)
        _download(storage, run_id, scene.folder)
        _show_tables(storage, run_id, console)
        _show_urls(storage, api, run_id, console)
    console.print(f"Picture  {_short_path(scene.folder / PICTURE)}", soft_wrap=True)
    console.print(f"Page     {_short_path(scene.folder / PAGE)}", soft_wrap=True)


def _run_report(api: Api, console: Console) -> str:
    run_id = api.start(REQUEST)
    console.print(f"Run      {run_id}")
    status = follow(api, run_id, console)
    if status["outcome"] != "succeeded":
        raise DemoError(f"The run ended as {json.dumps(status, indent=2)}")
    return run_id


def _read_result(storage: BlobServiceClient, run_id: str, name: str) -> bytes:
    blob = storage.get_blob_client(RUNS, result_blob(run_id, name))
    return bytes(blob.download_blob().readall())


def _download(storage: BlobServiceClient, run_id: str, folder: Path) -> None:
    for name in (PICTURE, PAGE):
        (folder / name).write_bytes(_read_result(storage, run_id, name))


def _show_tables(storage: BlobServiceClient, run_id: str, console: Console) -> None:
    airlines, months, destinations = (
        json.loads(_read_result(storage, run_id, f"report-{name}.json")) for name in NAMES
    )
    console.print(report_table(airlines, airline_names()))
    console.print(month_table(months))
    console.print(destination_table(destinations))


def _show_urls(storage: BlobServiceClient, api: Api, run_id: str, console: Console) -> None:
    console.print("Results")
    for file in api.results(run_id)["files"]:
        blob = storage.get_blob_client(RUNS, result_blob(run_id, file["name"]))
        console.print(f"  {blob.url}", soft_wrap=True)


def upload(storage: BlobServiceClient, path: Path) -> str:
    """Put a file into the inbox; return its URL."""
    with path.open("rb") as file:
        blob = open_inbox(storage).upload_blob(BLOB, file, overwrite=True, max_concurrency=2)
    return str(blob.url)


def report_table(report: dict[str, Any], names: dict[str, str]) -> Table:
    """Lay out the report, with the names of the airlines."""
    table = Table(title=TITLE, title_justify="left", box=SIMPLE_HEAD)
    table.add_column("Airline", no_wrap=True)
    for heading in ("Code", "Flights", "Mean", "Std. dev.", "p90", "Longest"):
        table.add_column(heading, justify="left" if heading == "Code" else "right")
    for group in report["groups"]:
        code, delay = group["key"]["carrier"], group["metrics"]["dep_delay"]
        table.add_row(
            names.get(code, "?"),
            code,
            f"{group['rows']:,}",
            f"{delay['mean']:.2f}",
            f"{delay['std']:.2f}",
            f"{delay['p90']:,}",
            f"{delay['max']:,}",
        )
    return table


def month_table(report: dict[str, Any]) -> Table:
    """Lay out the report by month."""
    table = Table(title="By month, minutes", title_justify="left", box=SIMPLE_HEAD)
    for heading in ("Month", "Flights", "Mean", "p90"):
        table.add_column(heading, justify="left" if heading == "Month" else "right")
    for group in report["groups"]:
        month, delay = group["key"]["time_hour.month"], group["metrics"]["dep_delay"]
        table.add_row(month, f"{group['rows']:,}", f"{delay['mean']:.2f}", f"{delay['p90']:,}")
    return table


def destination_table(report: dict[str, Any]) -> Table:
    """Lay out the report on the destinations with the most flights."""
    title = f"The {TOP} destinations with the most flights, of {report['total_groups']}"
    table = Table(title=title, title_justify="left", box=SIMPLE_HEAD)
    for heading in ("Airport", "Flights", "Delay, p90", "Planes, about"):
        table.add_column(heading, justify="left" if heading == "Airport" else "right")
    for group in report["groups"]:
        delay, planes = group["metrics"]["dep_delay"], group["metrics"]["tailnum"]
        table.add_row(
            group["key"]["dest"],
            f"{group['rows']:,}",
            f"{delay['p90']:,}",
            f"{planes['approx_distinct']:,}",
        )
    return table


def _short_path(path: Path) -> Path:
    folder = Path.cwd()
    return path.relative_to(folder) if path.is_relative_to(folder) else path
