"""Options and output of commands that list things page by page."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import Annotated, Any

import typer

from cli.numbers import MAX_COUNT
from cli.session import Session, list_table
from cli.streams import print_json

Limit = Annotated[
    int, typer.Option("--limit", "-n", min=0, max=MAX_COUNT, help="How many at most; 0 is all.")
]


@dataclass(frozen=True)
class Columns:
    """The columns of a list: their names, which of them are numbers, and the cells of a row."""

    names: Sequence[str]
    cells: Callable[[dict[str, Any]], tuple[str, ...]]
    numbers: Sequence[int] = ()


def page_size(limit: int, max_size: int) -> int:
    """How many to ask for at once."""
    return min(limit or max_size, max_size)


def print_list(
    session: Session,
    rows: Iterable[dict[str, Any]],
    columns: Columns,
    *,
    limit: int = 0,
    is_json: bool,
) -> None:
    """Print a list: a table for people, or an object a line for programs."""
    selected = islice(rows, limit or None)
    if is_json:
        for row in selected:
            print_json(row)
        return
    session.out.print(list_table(columns.names, map(columns.cells, selected), columns.numbers))
