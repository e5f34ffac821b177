"""The demo of `images`: photographs made ready for the web, and files that only pretend to be."""

import json
from pathlib import Path
from typing import Any

from azure.storage.blob import BlobServiceClient, ContainerClient
from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.table import Table

from demo.api import Api
from demo.errors import DemoError
from demo.progress import follow
from demo.reports import Scene
from samples.images import hostile, photos

SETTINGS = {"FUNCTIONS_WORKER_PROCESS_COUNT": "2"}
CONTAINER, ALBUM = "inbox", "album/"
PARAMETERS = {
    "renditions": [
        {"max_width": 800, "format": "avif", "quality": 60},
        {"max_width": 800, "format": "webp", "quality": 80},
        {"max_width": 400, "format": "jpeg", "quality": 82},
    ]
}
REPORT = ("contact-sheet.png", "index.html", "index.json")


def run(scene: Scene) -> None:
    """Upload the album, run, and show what became of each file and where the pictures are.

    Raises:
        DemoError: Something did not work.
    """
    console, album = scene.console, photos() | hostile()
    api = Api(scene.host.wait_until_ready())
    service = BlobServiceClient.from_connection_string(scene.host.connection_string())
    inbox = service.get_container_client(CONTAINER)
    if not inbox.exists():
        inbox.create_container()
    for name, data in album.items():
        inbox.upload_blob(ALBUM + name, data, overwrite=True)
    console.print(f"Source   {len(photos())} photographs and {len(hostile())} files that are none")
    source = {"kind": "listing", "container": CONTAINER, "prefix": ALBUM}
    asked = {"workload": "images", "source": source, "parameters": PARAMETERS}
    run_id = api.start(asked | {"tolerance": {"percentage": 100}})
    console.print(f"Run      {run_id}")
    status = follow(api, run_id, console)
    if status["items"]["succeeded"] != len(photos()):
        raise DemoError(f"The run ended as {json.dumps(status, indent=2)}")
    results = service.get_container_client("runs")
    outcomes = _outcomes(api, results, run_id)
    _show(console, outcomes)
    folder = scene.folder / "images"
    for name in _download(results, run_id, folder):
        if name in REPORT:
            console.print(f"Report   {folder / name}", soft_wrap=True)
    console.print(f"Pictures {folder / 'files'}", soft_wrap=True)


def _outcomes(api: Api, results: ContainerClient, run_id: str) -> list[dict[str, Any]]:
    names = [file["name"] for file in api.results(run_id)["files"]]
    lines = [
        json.loads(line)
        for name in names
        if name.endswith(".jsonl") and not name.startswith("DEAD-LETTERS")
        for line in results.download_blob(f"{run_id}/results/{name}").readall().splitlines()
    ]
    return sorted(lines, key=lambda line: int(line["index"]))


def _show(console: Console, outcomes: list[dict[str, Any]]) -> None:
    table = Table(title="Photographs", title_justify="left", box=SIMPLE_HEAD)
    table.add_column("File")
    table.add_column("Pixels")
    table.add_column("KiB", justify="right")
    table.add_column("Renditions, KiB")
    table.add_column("Colours")
    refused = Table(title="Refused", title_justify="left", box=SIMPLE_HEAD)
    refused.add_column("File")
    refused.add_column("Why")
    for line in outcomes:
        name = line["item_id"].removeprefix(ALBUM)
        if line["status"] != "succeeded":
            refused.add_row(name, f"{line['error']['type']}: {line['error']['message']}")
            continue
        made = line["output"]
        sizes = ", ".join(f"{one['bytes'] / 1024:.0f}" for one in made["renditions"])
        colours = " ".join(f"[{c['hex']}]██[/]" for c in made["colours"])
        pixels = f"{made['width']} x {made['height']}"
        table.add_row(name, pixels, f"{made['bytes'] / 1024:.0f}", sizes, colours)
    console.print(table)
    console.print(refused)


def _download(results: ContainerClient, run_id: str, folder: Path) -> list[str]:
    """Fetch the report and the pictures; return their names."""
    prefix = f"{run_id}/results/"
    names = [blob.removeprefix(prefix) for blob in results.list_blob_names(name_starts_with=prefix)]
    wanted = [name for name in names if name in REPORT or name.startswith("files/")]
    for name in wanted:
        target = folder / name
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(results.download_blob(prefix + name).readall())
    return wanted
