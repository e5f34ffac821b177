"""The command `results`: list the result files of a run, or download and check them."""

import hashlib
from collections.abc import Iterable
from fnmatch import fnmatch
from pathlib import Path
from typing import Annotated, Any

import typer

from cli import formats
from cli.api import Api, run_path
from cli.consoles import make_markup
from cli.errors import CommandError
from cli.session import (
    AsJson,
    RunId,
    Session,
    get_session,
    list_table,
    transfer_progress,
)
from cli.streams import print_json

UNFINISHED = ".part"
PIECE = 1_048_576


def results(
    context: typer.Context,
    run_id: RunId,
    folder: Annotated[
        Path | None, typer.Option("--to", "-o", help="A folder to download them to.")
    ] = None,
    patterns: Annotated[
        list[str] | None,
        typer.Option("--only", help="Only files like this, 'FAILED-*'; may be repeated."),
    ] = None,
    *,
    json: AsJson = False,
) -> None:
    """List the result files of a run that is over, or download them.

    What is there already, whole, is left alone, so a download that broke off can be repeated.

    Example: [bold]fanout results orders-1 --to out --only 'FAILED-*'[/]
    """
    session = get_session(context)
    manifest = session.api.get(run_path(run_id, "results"))
    files = [file for file in manifest["files"] if _is_match(file["name"], patterns)]
    if folder is not None:
        _download(session, run_id, files, folder)
    if json:
        print_json({**manifest, "files": files})
    elif folder is None:
        columns = ("FILE", "SIZE", "LINES", "MD5")
        session.out.print(list_table(columns, map(_cells, files), numbers=(1, 2)))
    else:
        session.err.print(f"{len(files)} files are in '{make_markup(str(folder))}'.")


def _is_match(name: str, patterns: list[str] | None) -> bool:
    return not patterns or any(fnmatch(name, pattern) for pattern in patterns)


def _cells(file: dict[str, Any]) -> tuple[str, ...]:
    size = formats.size(file["size_bytes"])
    return (make_markup(file["name"]), size, formats.count(file["count"]), make_markup(file["md5"]))


def _download(session: Session, run_id: str, files: Iterable[dict[str, Any]], folder: Path) -> None:
    targets = [(file, _target_path(folder, file["name"])) for file in files]
    total = sum(file["size_bytes"] for file, _ in targets)
    api = session.api
    with transfer_progress(session) as progress:
        task = progress.add_task("downloading", total=total)
        for file, path in targets:
            progress.update(task, description=make_markup(file["name"]))
            if not _is_complete(path, file["md5"]):
                _fetch(api, run_id, file, path)
            progress.advance(task, file["size_bytes"])


def _target_path(folder: Path, name: str) -> Path:
    """The path of a file; a name may have folders, and must not lead out of the target folder."""
    path = (folder / name).resolve()
    if not path.is_relative_to(folder.resolve()):
        raise CommandError(
            f"The name '{name}' leads out of '{folder}'; nothing of it is downloaded."
        )
    return path


def _is_complete(path: Path, md5: str) -> bool:
    if not path.is_file():
        return False
    digest = hashlib.md5(usedforsecurity=False)
    with path.open("rb") as data:
        while piece := data.read(PIECE):
            digest.update(piece)
    return digest.hexdigest() == md5


def _fetch(api: Api, run_id: str, file: dict[str, Any], path: Path) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    unfinished = path.with_name(path.name + UNFINISHED)
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
    unfinished.replace(path)
