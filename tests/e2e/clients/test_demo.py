"""The demo as a person runs it: `python -m demo`, from nothing to the report, and nothing left."""

import contextlib
import io
import os
import re
import signal
import subprocess
import sys
import time
import uuid
from collections.abc import Iterator
from pathlib import Path

import polars as pl
import pytest
from PIL import Image

from samples.flights import ROWS, airline_names

# The demo starts the embedded host itself.
pytestmark = pytest.mark.needs_embedded
ROOT = Path(__file__).parents[3]
DEMO_SECONDS = 120
GONE_SECONDS = 10
MARK = "FANOUT_TEST_MARK"


class Demo:
    """A demo that runs, with a mark in the environment of all that it starts."""

    def __init__(self, folder: Path, name: str = "reports", **environment: str) -> None:
        self.mark = f"{MARK}={uuid.uuid4()}"
        mark, _, value = self.mark.partition("=")
        self.process = subprocess.Popen(
            [sys.executable, "-m", "demo", name, "--folder", str(folder)],
            cwd=ROOT,
            env=os.environ | {mark: value, "COLUMNS": "120", "PYTHONUNBUFFERED": "1"} | environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )

    def finish(self) -> str:
        """Wait for its end and return what is left of its output."""
        return self.process.communicate(timeout=DEMO_SECONDS)[0]

    def read_until(self, beginning: str) -> None:
        assert self.process.stdout is not None
        for line in self.process.stdout:
            if line.startswith(beginning):
                return
        pytest.fail(f"the demo never printed '{beginning}'")

    def relatives(self) -> list[str]:
        """Command lines of living processes with the mark."""
        found = []
        for folder in Path("/proc").glob("[0-9]*"):
            with contextlib.suppress(OSError):  # it ended meanwhile, or is not ours to look at
                if self.mark.encode() in (folder / "environ").read_bytes():
                    found.append((folder / "cmdline").read_bytes().replace(b"\0", b" ").decode())
        return found

    def assert_nothing_is_left(self) -> None:
        deadline = time.monotonic() + GONE_SECONDS
        while self.relatives() and time.monotonic() < deadline:
            time.sleep(0.05)
        assert self.relatives() == []


@contextlib.contextmanager
def demo(folder: Path, name: str = "reports", **environment: str) -> Iterator[Demo]:
    running = Demo(folder, name, **environment)
    try:
        yield running
    finally:
        if running.process.poll() is None:
            running.process.kill()
            running.process.communicate()


def delays(output: str) -> dict[str, tuple[str, float]]:
    """The table's rows by code: number of flights and mean delay."""
    row = re.compile(r"^\s+(\S.*?)\s{2,}([A-Z0-9]{2})\s+([\d,]+)\s+(-?[\d.]+)\s", re.MULTILINE)
    names = airline_names()
    found = {}
    for name, code, flights, mean in row.findall(output):
        assert names[code] == name
        found[code] = (flights.replace(",", ""), float(mean))
    return found


def test_the_demo_ends_with_the_report_of_polars_a_picture_and_nothing_left(tmp_path):
    with demo(tmp_path) as running:
        output = running.finish()
        assert running.process.returncode == 0, output
        running.assert_nothing_is_left()
    flights = pl.read_csv(tmp_path / "flights.csv", null_values=["NA"], infer_schema_length=None)
    expected = flights.group_by("carrier").agg(pl.len(), pl.col("dep_delay").mean().alias("mean"))
    expected = expected.sort("mean", descending=True)
    assert list(delays(output).items()) == [
        (code, (str(count), round(mean, 2))) for code, count, mean in expected.iter_rows()
    ]
    assert f"{ROWS}/{ROWS}" in output
    image = Image.open(io.BytesIO((tmp_path / "report-airlines.png").read_bytes()))
    image.load()
    assert (image.format, image.width > 800, image.height > 400) == ("PNG", True, True)
    assert str(tmp_path / "report-airlines.png") in output
    assert str(tmp_path / "report.html") in output
    urls = re.findall(r"^  (http://\S+)$", output, re.MULTILINE)
    assert {url.rpartition("/")[2] for url in urls} >= {
        "report.html",
        *(f"report-airlines.{kind}" for kind in ("json", "csv", "parquet", "png")),
    }
    assert not any(secret in output for secret in ("sig=", "AccountKey", "?"))
    assert re.search(r"^Done in \d+\.\d seconds", output, re.MULTILINE)
    assert [path for path in tmp_path.iterdir() if path.is_dir()] == []


@pytest.mark.parametrize(
    ("number", "moment"),
    [(signal.SIGINT, "Run "), (signal.SIGTERM, "Run "), (signal.SIGINT, "Source ")],
)
def test_an_interrupted_demo_leaves_nothing_behind(tmp_path, number, moment):
    with demo(tmp_path) as running:
        running.read_until(moment)
        assert len(running.relatives()) > 1
        running.process.send_signal(number)
        output = running.finish()
        assert running.process.returncode == 130, output
        assert "Interrupted" in output
        assert "Traceback" not in output
        running.assert_nothing_is_left()
    assert [path for path in tmp_path.iterdir() if path.is_dir()] == []


def test_a_demo_whose_host_does_not_start_shows_why_and_fails(tmp_path):
    (tmp_path / "aiohttp.py").write_text("raise ImportError('aiohttp is broken')\n")
    with demo(tmp_path / "demo", PYTHONPATH=str(tmp_path)) as running:
        output = running.finish()
        assert running.process.returncode == 1
        running.assert_nothing_is_left()
    assert "The host ended at once" in output
    assert "ImportError: aiohttp is broken" in output


def test_the_demo_of_notifications_shows_mails_and_webhooks_and_leaves_the_mails(tmp_path):
    with demo(tmp_path, "notifications") as running:
        output = running.finish()
        assert running.process.returncode == 0, output
        running.assert_nothing_is_left()
    assert "Mails sent         11 of 12: lou@example.com is suppressed" in output
    assert "Webhooks received  6, their signatures verified; 1 was told to come again" in output
    assert "Dear Ada Quill,\n\nyour parcel (Lamp, brass) left us today." in output
    assert len(list(tmp_path.glob("mail-*.eml"))) == 11
    assert [path for path in tmp_path.iterdir() if path.is_dir()] == []


def test_the_demo_of_images_shows_photographs_and_what_was_refused(tmp_path):
    with demo(tmp_path, "images") as running:
        output = running.finish()
        assert running.process.returncode == 0, output
        running.assert_nothing_is_left()
    assert "5 photographs and 5 files that are none" in output
    assert "ImageTooLargeError: it has 60000 x 60000 pixels" in output
    with Image.open(tmp_path / "images" / "contact-sheet.png") as sheet:
        assert sheet.size == (1024, 208)
    rocket = tmp_path / "images" / "files" / "album" / "rocket.jpg"
    assert len([*rocket.glob("*.avif")]) == len([*rocket.glob("*.webp")]) == 1


def test_the_demo_of_orders_shows_what_was_shipped_and_what_it_brought(tmp_path):
    with demo(tmp_path, "orders", DEMO_ORDERS="40") as running:
        output = running.finish()
        assert running.process.returncode == 0, output
        running.assert_nothing_is_left()
    shipped = re.search(r"shipped +(\d+)", output)
    assert shipped is not None and int(shipped[1]) >= 30
    assert f"Shipments  {shipped[1]} messages on the queue 'shipments'" in output
    assert re.search(r"Captured   [\d,]+\.\d\d USD", output)
    assert re.search(r"could not be undone +0", output)
