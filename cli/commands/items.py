"""The command `items`: what happened to the items of a run."""

from typing import Annotated, Any

import typer

from cli import formats
from cli.api import run_path
from cli.commands.paging import Columns, Limit, page_size, print_list
from cli.consoles import make_markup
from cli.session import AsJson, RunId, get_session

MAX_PAGE = 1000


def items(
    context: typer.Context,
    run_id: RunId,
    status: Annotated[
        str | None, typer.Option("--status", "-s", help="Only those that stand so: failed, ...")
    ] = None,
    limit: Limit = 100,
    *,
    json: AsJson = False,
) -> None:
    """List what happened to the items of a run, in source order.

    Example: [bold]fanout items orders-1 --status failed --limit 0 --json > failed.jsonl[/]
    """
    session = get_session(context)
    path, size = run_path(run_id, "items"), page_size(limit, MAX_PAGE)
    outcomes = session.api.iterate(path, "items", status=status, limit=size)
    print_list(session, outcomes, _COLUMNS, limit=limit, is_json=json)


def _cells(item: dict[str, Any]) -> tuple[str, ...]:
    error = item.get("error") or {}
    last_index = item["index"] + item.get("count", 1) - 1
    is_single = last_index == item["index"]
    return (
        str(item["index"]) if is_single else f"{item['index']}-{last_index}",
        make_markup(item["item_id"]),
        make_markup(item["status"].replace("_", " ")),
        str(item.get("attempts", 1)),
        formats.duration(item.get("duration_ms", 0.0) / 1000),
        make_markup(f"{error['type']}: {error['message']}") if error else "",
    )


_COLUMNS = Columns(("INDEX", "ITEM", "STATUS", "TRIES", "TOOK", "ERROR"), _cells, numbers=(0, 3))
