"""The session of a command: settings, API and consoles; and how to print tables."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Annotated

import typer
from rich.console import Console
from rich.progress import BarColumn, DownloadColumn, Progress, TextColumn, TransferSpeedColumn
from rich.table import Table

from cli.api import Api
from cli.consoles import make_console
from cli.settings import ClientSettings

AsJson = Annotated[
    bool, typer.Option("--json", help="JSON for programs; of lists, an object a line.")
]
RunId = Annotated[str, typer.Argument(help="The id of the run.", metavar="RUN")]


@dataclass
class Session:
    """One call of the command line."""

    settings: ClientSettings
    out: Console = field(default_factory=make_console)
    err: Console = field(default_factory=lambda: make_console(is_error=True))

    @property
    def api(self) -> Api:
        """A client of the app."""
        return Api(self.settings)


def get_session(context: typer.Context) -> Session:
    """The session of a command."""
    session = context.find_object(Session)
    if session is None:
        raise TypeError("the command line was not set up")
    return session


def list_table(
    columns: Iterable[str], rows: Iterable[Iterable[str]], numbers: Iterable[int]
) -> Table:
    """A table without lines between its rows; `numbers` are the columns to align right."""
    right = set(numbers)
    table = Table(box=None, pad_edge=False, header_style="bold")
    for number, name in enumerate(columns):
        table.add_column(name, justify="right" if number in right else "left", overflow="fold")
    for row in rows:
        table.add_row(*row)
    return table


def fact_table(facts: Mapping[str, str]) -> Table:
    """A table of names and values; empty values are left out."""
    table = Table(box=None, show_header=False, pad_edge=False)
    table.add_column(style="dim")
    table.add_column(overflow="fold")
    for name, value in facts.items():
        if value:
            table.add_row(name, value)
    return table


def transfer_progress(session: Session) -> Progress:
    """The progress bar of an upload or a download."""
    return Progress(
        TextColumn("{task.description}"),
        BarColumn(),
        DownloadColumn(),
        TransferSpeedColumn(),
        console=session.err,
        transient=True,
        disable=not session.err.is_terminal,
    )
