"""The results of a run: listed, or downloaded and checked."""

import hashlib
from collections.abc import Iterable
from fnmatch import fnmatch
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.markup import escape

from cli import formats
from cli.api import Api, run_path
from cli.errors import CommandError
from cli.session import AsJson, RunId, Session, as_json, bytes_of, session, table

UNFINISHED = ".part"
PIECE = 1_048_576


def results(
    context: typer.Context,
    run_id: RunId,
    to: Annotated[
        Path | None, typer.Option("--to", "-o", help="A folder to download them to.")
    ] = None,
    only: Annotated[
        list[str] | None, typer.Option(help="Only files like this, 'FAILED-*'; may be repeated.")
    ] = None,
    *,
    json: AsJson = False,
) -> None:
    """List the result files of a run that is over, or download them.

    What is there already, whole, is left alone, so a download that broke off can be repeated.

    Example: [bold]fanout results orders-1 --to out --only 'FAILED-*'[/]
    """
    here = session(context)
    manifest = here.api.get(run_path(run_id, "results"))
    files = [
        file
        for file in manifest["files"]
        if not only or any(fnmatch(file["name"], pattern) for pattern in only)
    ]
    if to is not None:
        _download(here, run_id, files, to)
    if json:
        as_json({**manifest, "files": files})
    elif to is None:
        here.out.print(table(("FILE", "SIZE", "LINES", "MD5"), map(_row, files), numbers=(1, 2)))
    else:
        here.told.print(f"{len(files)} files are in '{escape(str(to))}'.")


def _row(file: dict[str, Any]) -> tuple[str, ...]:
    size = formats.size(file["size_bytes"])
    return (escape(file["name"]), size, formats.count(file["count"]), file["md5"])


def _download(here: Session, run_id: str, files: Iterable[dict[str, Any]], to: Path) -> None:
    wanted = [(file, _place(to, file["name"])) for file in files]
    total = sum(file["size_bytes"] for file, _ in wanted)
    api = here.api
    with bytes_of(here) as progress:
        task = progress.add_task("downloading", total=total)
        for file, place in wanted:
            progress.update(task, description=escape(file["name"]))
            if not _is_there(place, file["md5"]):
                _fetch(api, run_id, file, place)
            progress.advance(task, file["size_bytes"])


def _place(to: Path, name: str) -> Path:
    """Where a file goes; a name may have folders, and must not lead out of `to`."""
    place = (to / name).resolve()
    if not place.is_relative_to(to.resolve()):
        raise CommandError(f"The name '{name}' leads out of '{to}'; nothing of it is downloaded.")
    return place


def _is_there(place: Path, md5: str) -> bool:
    if not place.is_file():
        return False
    digest = hashlib.md5(usedforsecurity=False)
    with place.open("rb") as data:
        while piece := data.read(PIECE):
            digest.update(piece)
    return digest.hexdigest() == md5


def _fetch(api: Api, run_id: str, file: dict[str, Any], place: Path) -> None:
    place.parent.mkdir(parents=True, exist_ok=True)
    unfinished = place.with_name(place.name + UNFINISHED)
    digest = hashlib.md5(usedforsecurity=False)
    with (
        unfinished.open("wb") as out,
        api.stream(run_path(run_id, "results", file["name"])) as data,
    ):
        for piece in data:
            digest.update(piece)
            out.write(piece)
    if digest.hexdigest() != file["md5"]:
        unfinished.unlink()
        raise CommandError(
            f"'{file['name']}' came broken: its MD5 is not {file['md5']}. Try again."
        )
    unfinished.replace(place)
