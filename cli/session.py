"""What a command has in hand: the API, and how to show what comes of it."""

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.progress import BarColumn, DownloadColumn, Progress, TextColumn, TransferSpeedColumn
from rich.table import Table

from cli.api import Api
from cli.settings import ClientSettings

AsJson = Annotated[
    bool, typer.Option("--json", help="JSON for programs; of lists, an object a line.")
]
RunId = Annotated[str, typer.Argument(help="The id of the run.", metavar="RUN")]


@dataclass
class Session:
    """One call of the command line."""

    settings: ClientSettings
    out: Console = field(default_factory=lambda: Console(highlight=False))
    told: Console = field(default_factory=lambda: Console(stderr=True, highlight=False))

    @property
    def api(self) -> Api:
        """A client of the app."""
        return Api(self.settings)


def session(context: typer.Context) -> Session:
    """The session that the command belongs to."""
    found = context.find_object(Session)
    if found is None:
        raise TypeError("the command line was not set up")
    return found


def as_json(value: Any) -> None:
    """Write a document for programs, on one line."""
    typer.echo(json.dumps(value, ensure_ascii=False))


def table(columns: Iterable[str], rows: Iterable[Iterable[str]], numbers: Iterable[int]) -> Table:
    """A table without lines between its rows; the columns of `numbers` are flush right."""
    right = set(numbers)
    made = Table(box=None, pad_edge=False, header_style="bold")
    for number, name in enumerate(columns):
        made.add_column(name, justify="right" if number in right else "left", overflow="fold")
    for row in rows:
        made.add_row(*row)
    return made


def facts(pairs: Mapping[str, str]) -> Table:
    """Names and values, those that are empty left out."""
    made = Table(box=None, show_header=False, pad_edge=False)
    made.add_column(style="dim")
    made.add_column(overflow="fold")
    for name, value in pairs.items():
        if value:
            made.add_row(name, value)
    return made


def bytes_of(here: Session) -> Progress:
    """The bar of something that is uploaded or downloaded."""
    return Progress(
        TextColumn("{task.description}"),
        BarColumn(),
        DownloadColumn(),
        TransferSpeedColumn(),
        console=here.told,
        transient=True,
    )
