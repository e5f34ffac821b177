import csv
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

from samples import flights
from samples.flights import EXCERPT, ROWS, MissingDataError, airline_names, write_flights

ROOT = Path(__file__).parents[3]
MAX_EXCERPT_BYTES = 300_000


def command(*arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "samples.flights", *arguments],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )


def installed(monkeypatch: pytest.MonkeyPatch, folder: Path) -> Path:
    """Install a package of the name that cannot be imported, with a folder for data."""
    data = folder / flights.PACKAGE / "data"
    data.mkdir(parents=True)
    (data.parent / "__init__.py").write_text("raise ImportError('pandas is not installed')")
    monkeypatch.setattr(sys, "path", [str(folder)])
    return data


def test_all_flights_are_written(tmp_path):
    target = tmp_path / "flights.csv"
    done = command(str(target))
    assert (done.returncode, done.stderr) == (0, "")
    with target.open(newline="") as file:
        assert sum(1 for _ in csv.DictReader(file)) == ROWS
    assert list(tmp_path.iterdir()) == [target]


def test_the_excerpt_is_the_beginning_of_all(tmp_path):
    write_flights(tmp_path / "flights.csv")
    excerpt = EXCERPT.read_bytes()
    assert (tmp_path / "flights.csv").read_bytes().startswith(excerpt)
    assert excerpt.count(b"\n") == 2001
    assert len(excerpt) < MAX_EXCERPT_BYTES


def test_every_carrier_has_a_name():
    with EXCERPT.open(newline="") as file:
        carriers = {row["carrier"] for row in csv.DictReader(file)}
    assert carriers <= set(airline_names())
    assert airline_names()["UA"] == "United Air Lines Inc."


def test_a_plain_csv_is_taken_too_and_the_package_is_never_run(tmp_path, monkeypatch):
    data = installed(monkeypatch, tmp_path)
    (data / "flights.csv").write_text("a,b\n1,2\n")
    write_flights(tmp_path / "out.csv")
    assert (tmp_path / "out.csv").read_text() == "a,b\n1,2\n"


def test_a_csv_in_a_folder_of_the_archive_is_found(tmp_path, monkeypatch):
    data = installed(monkeypatch, tmp_path)
    with zipfile.ZipFile(data / "flights.csv.zip", "w") as archive:
        archive.writestr("data/flights.csv", "a,b\n")
    write_flights(tmp_path / "out.csv")
    assert (tmp_path / "out.csv").read_text() == "a,b\n"


def test_an_archive_without_flights_is_refused(tmp_path, monkeypatch):
    data = installed(monkeypatch, tmp_path)
    with zipfile.ZipFile(data / "flights.csv.zip", "w") as archive:
        archive.writestr("other.csv", "a,b\n")
    with pytest.raises(MissingDataError, match=r"has no flights\.csv"):
        write_flights(tmp_path / "out.csv")
    assert not (tmp_path / "out.csv").exists()


def test_a_package_without_data_is_refused(tmp_path, monkeypatch):
    installed(monkeypatch, tmp_path)
    with pytest.raises(MissingDataError, match=r"has no flights\.csv"):
        write_flights(tmp_path / "out.csv")
    with pytest.raises(MissingDataError, match=r"has no airlines\.csv"):
        airline_names()


def test_a_missing_package_says_what_to_do(tmp_path, monkeypatch):
    monkeypatch.setattr(sys, "path", [str(tmp_path)])
    with pytest.raises(MissingDataError, match="make setup"):
        write_flights(tmp_path / "out.csv")


@pytest.mark.parametrize(
    ("arguments", "code", "message"),
    [([], 2, "usage"), (["--help"], 2, "usage"), (["no/such/folder/x.csv"], 1, "No such file")],
)
def test_the_command_says_what_is_wrong(arguments, code, message):
    done = command(*arguments)
    assert done.returncode == code
    assert message in done.stderr
