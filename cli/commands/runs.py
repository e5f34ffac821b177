"""The commands `list` and `show`: the runs, and the status of one."""

from collections.abc import Iterable, Iterator
from typing import Annotated, Any

import typer

from cli import formats
from cli.api import run_path
from cli.commands.paging import Columns, Limit, page_size, print_list
from cli.consoles import make_markup
from cli.session import AsJson, RunId, Session, fact_table, get_session, list_table
from cli.streams import print_json

Workload = Annotated[str | None, typer.Option("--workload", "-w", help="Only of this workload.")]
MAX_PAGE = 100
WAITS = {
    "places": "for a place, as many runs go on as may",
    "schedule": "for an earlier run of its schedule",
    "attempt": "until its earlier attempt has stopped",
    "start": "no more, it is about to begin",
}


def list_runs(
    context: typer.Context,
    workload: Workload = None,
    outcome: Annotated[str | None, typer.Option(help="Only those that ended so.")] = None,
    since: Annotated[str | None, typer.Option(help="Only from then on, ISO 8601.")] = None,
    limit: Limit = 20,
    *,
    json: AsJson = False,
) -> None:
    """List runs, newest first.

    Example: [bold]fanout list --workload orders --outcome failed[/]
    """
    session = get_session(context)
    size = page_size(limit, MAX_PAGE)
    pages = session.api.pages("runs", workload=workload, outcome=outcome, since=since, limit=size)
    unreadable: list[dict[str, Any]] = []
    print_list(session, _runs(pages, unreadable), _COLUMNS, limit=limit, is_json=json)
    for run in unreadable:
        session.err.print(
            f"cannot be read: {make_markup(run['run_id'])}: {make_markup(run['reason'])}"
        )


def _runs(
    pages: Iterable[dict[str, Any]], unreadable: list[dict[str, Any]]
) -> Iterator[dict[str, Any]]:
    """The runs of some pages; those that cannot be read are put where the caller says."""
    for page in pages:
        unreadable += page.get("unreadable", [])  # earlier versions of the app name none
        yield from page["runs"]


def _cells(run: dict[str, Any]) -> tuple[str, ...]:
    items = run["items"]
    failed = items["failed"] + items["compensation_failed"]
    return (
        make_markup(run["run_id"]),
        make_markup(run["workload"]),
        formats.outcome(run),
        formats.count(items["total"]),
        formats.count(failed) if failed else "",
        formats.moment(run["started_at"]),
        formats.duration(run["duration_seconds"]),
    )


_COLUMNS = Columns(
    ("RUN", "WORKLOAD", "OUTCOME", "ITEMS", "FAILED", "STARTED", "TOOK"), _cells, numbers=(3, 4)
)


def show(context: typer.Context, run_id: RunId, *, json: AsJson = False) -> None:
    """Tell how a run stands: its counts, its pace, its errors.

    Example: [bold]fanout show orders-20261124[/]
    """
    session = get_session(context)
    run = session.api.get(run_path(run_id))
    if json:
        print_json(run)
    else:
        show_run(session, run)


def show_run(session: Session, run: dict[str, Any]) -> None:
    """Print a run's status for people."""
    facts = {**_identity(run), **_counts(run), **_progress(run), **_limits(run), **_faults(run)}
    session.out.print(fact_table(facts))
    if run["errors"]:
        session.out.print()
        columns = ("ERROR", "MESSAGE", "ITEMS", "FOR EXAMPLE")
        session.out.print(list_table(columns, map(_error_cells, run["errors"]), (2,)))


def _identity(run: dict[str, Any]) -> dict[str, str]:
    return {
        "run": make_markup(run["run_id"]),
        "workload": make_markup(run["workload"]),
        "outcome" if run["outcome"] else "phase": formats.outcome(run),
        "status": make_markup(run["status"]),
    }


def _counts(run: dict[str, Any]) -> dict[str, str]:
    return {
        name.replace("_", " "): formats.count(number)
        for name, number in run["items"].items()
        if number or name == "total"
    }


def _progress(run: dict[str, Any]) -> dict[str, str]:
    return {
        "waits": _wait(run),
        "retries": formats.count(run["retries"]) if run["retries"] else "",
        "partitions": f"{run['partitions']['done']} of {run['partitions']['total']}",
        "redrives": str(run["redrive_count"] or ""),
        "taken up again": _take_overs(run),
        "started": formats.moment(run["started_at"]),
        "finished": formats.moment(run["finished_at"]),
        "took": formats.duration(run["duration_seconds"]),
        "pace": formats.rate(run["items_per_second"]),
        "still takes": formats.duration(run["eta_seconds"]),
    }


def _wait(run: dict[str, Any]) -> str:
    """Why a run is queued."""
    wait = run.get("wait")
    if not wait:
        return ""
    reason = WAITS.get(wait["reason"], make_markup(wait["reason"]))
    if wait["position"] is None:
        return reason
    return f"{reason}; {wait['position']} of {wait['waiting']} in line, {wait['running']} go on"


def _take_overs(run: dict[str, Any]) -> str:
    number = run.get("take_overs", 0)
    if not number:
        return ""
    times = "once" if number == 1 else f"{number} times"
    return f"{times}, last because: {make_markup(run['take_over_reason'] or '')}"


def _limits(run: dict[str, Any]) -> dict[str, str]:
    limits = run.get("limits") or {}
    facts = {"rate": formats.rate(limits.get("items_per_second"))}
    if limits and not run["outcome"]:
        batches = f"{run['batches_in_flight']} in flight, {limits['batches']} at most"
        return {"batches": batches, **facts}
    return facts


def _faults(run: dict[str, Any]) -> dict[str, str]:
    return {
        "stalled since": formats.moment(run["stalled_since"]),
        "error": f"[red]{make_markup(run['error'])}[/]" if run["error"] else "",
    }


def _error_cells(group: dict[str, Any]) -> tuple[str, ...]:
    return (
        f"[red]{make_markup(group['type'])}[/]",
        make_markup(group["message"]),
        formats.count(group["count"]),
        make_markup(group["example_item"] or ""),
    )
