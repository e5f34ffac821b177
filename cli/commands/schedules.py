"""The command `schedules`: what begins by itself."""

from typing import Any

import typer

from cli import formats
from cli.commands.paging import Columns, print_list
from cli.consoles import make_markup
from cli.session import AsJson, get_session


def schedules(context: typer.Context, *, json: AsJson = False) -> None:
    """List what begins by itself: when each is due next, and how it went last.

    Example: [bold]fanout schedules[/]
    """
    session = get_session(context)
    rows = session.api.get("schedules")["schedules"]
    print_list(session, rows, _COLUMNS, is_json=json)


def _cells(schedule: dict[str, Any]) -> tuple[str, ...]:
    last_run = schedule.get("last_run")
    return (
        make_markup(schedule["name"]),
        make_markup(schedule["schedule"]),
        make_markup(schedule["zone"]),
        make_markup(schedule.get("workload") or schedule.get("task") or ""),
        formats.moment(schedule["next_at"]) if schedule["is_enabled"] else "[dim]off[/]",
        make_markup(last_run["run_id"]) if last_run else "",
        formats.outcome(last_run) if last_run else "",
    )


_COLUMNS = Columns(("SCHEDULE", "WHEN", "ZONE", "RUNS", "NEXT", "LAST RUN", "ENDED"), _cells)
