"""The demo of `images`: photographs made ready for the web, and files that are no photographs."""

import json
from pathlib import Path

from azure.storage.blob import BlobServiceClient
from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.table import Table

from demo.api import Api
from demo.errors import DemoError
from demo.progress import follow
from demo.results import FileKind, Outcome, file_kind, read_outcomes, result_blob
from demo.scene import Scene
from demo.storage import INBOX, RUNS, open_inbox, open_storage
from samples.images import hostile, photos

SETTINGS = {"FUNCTIONS_WORKER_PROCESS_COUNT": "2"}
ALBUM = "album/"
PARAMETERS = {
    "renditions": [
        {"max_width": 800, "format": "avif", "quality": 60},
        {"max_width": 800, "format": "webp", "quality": 80},
        {"max_width": 400, "format": "jpeg", "quality": 82},
    ]
}
REPORT = ("contact-sheet.png", "index.html", "index.json")
REQUEST = {
    "workload": "images",
    "source": {"kind": "listing", "container": INBOX, "prefix": ALBUM},
    "parameters": PARAMETERS,
    "tolerance": {"percentage": 100},
}


def run(scene: Scene) -> None:
    """Upload the album, run, and show the outcome of each file and where the pictures are.

    Raises:
        DemoError: Something did not work.
    """
    console = scene.console
    api = Api(scene.host.wait_until_ready())
    storage = open_storage(scene.host)
    _upload_album(storage)
    console.print(f"Source   {len(photos())} photographs and {len(hostile())} files that are none")
    run_id = api.start(REQUEST)
    console.print(f"Run      {run_id}")
    status = follow(api, run_id, console)
    if status["items"]["succeeded"] != len(photos()):
        raise DemoError(f"The run ended as {json.dumps(status, indent=2)}")
    outcomes = read_outcomes(storage, api, run_id)
    _show_outcomes(console, sorted(outcomes, key=lambda outcome: int(outcome["index"])))
    folder = scene.folder / "images"
    for name in _download(storage, run_id, folder):
        if name in REPORT:
            console.print(f"Report   {folder / name}", soft_wrap=True)
    console.print(f"Pictures {folder / 'files'}", soft_wrap=True)


def _upload_album(storage: BlobServiceClient) -> None:
    inbox = open_inbox(storage)
    for name, data in (photos() | hostile()).items():
        inbox.upload_blob(ALBUM + name, data, overwrite=True)


def _show_outcomes(console: Console, outcomes: list[Outcome]) -> None:
    photographs = Table(title="Photographs", title_justify="left", box=SIMPLE_HEAD)
    for heading in ("File", "Pixels", "KiB", "Renditions, KiB", "Colours"):
        photographs.add_column(heading, justify="right" if heading == "KiB" else "left")
    refused = Table(title="Refused", title_justify="left", box=SIMPLE_HEAD)
    refused.add_column("File")
    refused.add_column("Why")
    for outcome in outcomes:
        name = outcome["item_id"].removeprefix(ALBUM)
        if outcome["status"] == "succeeded":
            photographs.add_row(name, *_photo_cells(outcome))
        else:
            error = outcome["error"]
            refused.add_row(name, f"{error['type']}: {error['message']}")
    console.print(photographs)
    console.print(refused)


def _photo_cells(outcome: Outcome) -> tuple[str, ...]:
    photo = outcome["output"]
    sizes = ", ".join(f"{rendition['bytes'] / 1024:.0f}" for rendition in photo["renditions"])
    colours = " ".join(f"[{colour['hex']}]██[/]" for colour in photo["colours"])
    pixels = f"{photo['width']} x {photo['height']}"
    return pixels, f"{photo['bytes'] / 1024:.0f}", sizes, colours


def _download(storage: BlobServiceClient, run_id: str, folder: Path) -> list[str]:
    """Download the report and the pictures; return their names."""
    results = storage.get_container_client(RUNS)
    prefix = result_blob(run_id, "")
    names = [blob.removeprefix(prefix) for blob in results.list_blob_names(name_starts_with=prefix)]
    selected = [name for name in names if name in REPORT or file_kind(name) is FileKind.ITEM_FILE]
    for name in selected:
        target = folder / name
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(results.download_blob(result_blob(run_id, name)).readall())
    return selected
