"""`make screenshots`: pictures of the dashboard's page of a run, each from a real run.

The runs book seats (`demo/apps/bookings`): one is halfway through, one failed after many retries,
one was compensated.
"""

import io
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from PIL import Image
from playwright.sync_api import Browser

from demo.api import Api
from demo.documentation.browser import open_browser
from demo.errors import DemoError
from demo.host import ROOT, EmbeddedHost

APP = ROOT / "demo" / "apps" / "bookings"
IMAGES = ROOT / "docs" / "images"
SIZE = {"width": 1180, "height": 1000}
COLOURS = 256
MAX_BYTES = 150_000
RUN_SECONDS = 180
POLL_SECONDS = 0.1
RETRY = {"max_attempts": 4, "base_seconds": 0.5, "factor": 2, "jitter_seconds": 1}
Status = dict[str, Any]


@dataclass(frozen=True)
class Picture:
    """A picture, and the run that it shows.

    Attributes:
        is_ready: Whether a run has the status that the picture shows.
        scheme: ``light`` or ``dark``.
    """

    name: str
    request: dict[str, Any]
    is_ready: Callable[[Status], bool]
    scheme: str = "light"


def seats(count: int, *, busy_every: int, taken_every: int, taken_from: int = 0) -> dict[str, Any]:
    """Seats of a hall: for some the desk is busy at first, and some are taken."""
    items = [
        {
            "seat": f"seat-{n // 40:02d}-{n % 40:02d}",
            "milliseconds": 60 + n * 7919 % 90,
            "busy": 0 if n % busy_every else 1 + n // busy_every % 3,
            "is_taken": n >= taken_from and n % taken_every == 0,
        }
        for n in range(count)
    ]
    return {"kind": "inline", "items": items}


def make_request(run_id: str, source: dict[str, Any], **options: Any) -> dict[str, Any]:
    """The request of a run."""
    base = {"workload": "bookings", "run_id": run_id, "source": source, "retry": RETRY}
    limits = {"batch": {"max_items": 4}, "concurrency": {"batches": 96}}
    return base | limits | options


PICTURES = (
    Picture(
        "run-running",
        make_request(
            "spring-festival",
            seats(4_000, busy_every=19, taken_every=97),
            tolerance={"percentage": 5},
        ),
        lambda run: run["items"]["pending"] < 0.4 * run["items"]["total"] != 0,
    ),
    Picture(
        "run-failed-retries",
        make_request(
            "city-marathon",
            seats(3_000, busy_every=5, taken_every=29, taken_from=1_400),
            tolerance={"count": 30},
        ),
        lambda run: run["phase"] == "done",
    ),
    Picture(
        "run-compensated",
        make_request(
            "chamber-concert",
            seats(3_000, busy_every=17, taken_every=29, taken_from=1_200),
            tolerance={"count": 24},
            on_exceeded="compensate",
        ),
        lambda run: run["phase"] == "done",
        scheme="dark",
    ),
)


def main() -> int:
    """Make the pictures and return the exit code."""
    IMAGES.mkdir(exist_ok=True)
    with (
        tempfile.TemporaryDirectory() as folder,
        EmbeddedHost(Path(folder), app=APP) as host,
    ):
        try:
            origin = host.wait_until_ready()
            with open_browser() as browser:
                for picture in PICTURES:
                    size = take_picture(picture, Api(origin), browser, origin)
                    print(f"docs/images/{picture.name}.png  {size / 1000:.0f} kB")
        except DemoError as error:
            print(f"{error}\n\n{host.last_words()}", file=sys.stderr)
            return 1
    return 0


def take_picture(picture: Picture, api: Api, browser: Browser, origin: str) -> int:
    """Start the run of a picture, take the picture, and return its size in bytes.

    Raises:
        DemoError: The run did not get that far, or the picture is too large.
    """
    run_id = api.start(picture.request)
    page = browser.new_page(viewport=SIZE, color_scheme=picture.scheme)  # type: ignore[arg-type]
    page.goto(f"{origin}/api/dashboard#/runs/{run_id}")
    wait_until_ready(api, run_id, picture.is_ready)
    page.reload()
    page.get_by_role("heading", name="Partitions by shard").wait_for()
    page.get_by_role("img", name="shards over").wait_for()
    screenshot = page.screenshot()
    page.close()
    data = compress_png(screenshot)
    if len(data) > MAX_BYTES:
        raise DemoError(f"The picture {picture.name} has {len(data)} bytes.")
    (IMAGES / f"{picture.name}.png").write_bytes(data)
    return len(data)


def wait_until_ready(api: Api, run_id: str, is_ready: Callable[[Status], bool]) -> None:
    """Wait until a run has the status of its picture.

    Raises:
        DemoError: It did not get there in time.
    """
    deadline = time.monotonic() + RUN_SECONDS
    while time.monotonic() < deadline:
        status = api.status(run_id)
        if is_ready(status):
            return
        if status["phase"] == "done":
            raise DemoError(f"The run '{run_id}' was over before its picture was taken.")
        time.sleep(POLL_SECONDS)
    raise DemoError(f"The run '{run_id}' did not get there within {RUN_SECONDS} seconds.")


def compress_png(png: bytes) -> bytes:
    """Reduce the colours of a picture: a page has few."""
    with Image.open(io.BytesIO(png)) as picture:
        target = io.BytesIO()
        picture.convert("RGB").quantize(COLOURS).save(target, "PNG", optimize=True)
    return target.getvalue()


if __name__ == "__main__":
    sys.exit(main())
