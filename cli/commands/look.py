"""Looking: the runs, one run, its items, what can be run, and what begins by itself."""

from itertools import islice
from typing import Annotated, Any

import typer
from rich.markup import escape

from cli import formats
from cli.api import run_path
from cli.session import AsJson, RunId, Session, as_json, facts, session, table

Workload = Annotated[str | None, typer.Option("--workload", "-w", help="Only of this workload.")]
Limit = Annotated[int, typer.Option("--limit", "-n", min=0, help="How many at most; 0 is all.")]
PAGE = 100


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
    here = session(context)
    size = min(limit or PAGE, PAGE)
    pages = here.api.pages(
        "runs", "runs", workload=workload, outcome=outcome, since=since, limit=size
    )
    found = islice(pages, limit or None)
    if json:
        for run in found:
            as_json(run)
        return
    here.out.print(
        table(
            ("RUN", "WORKLOAD", "OUTCOME", "ITEMS", "FAILED", "STARTED", "TOOK"),
            (_row(run) for run in found),
            numbers=(3, 4),
        )
    )


def _row(run: dict[str, Any]) -> tuple[str, ...]:
    items = run["items"]
    failed = items["failed"] + items["compensation_failed"]
    return (
        escape(run["run_id"]),
        escape(run["workload"]),
        formats.outcome(run),
        formats.count(items["total"]),
        formats.count(failed) if failed else "",
        formats.moment(run["started_at"]),
        formats.duration(run["duration_seconds"]),
    )


def show(context: typer.Context, run_id: RunId, *, json: AsJson = False) -> None:
    """Tell how a run stands: its counts, its pace, its errors.

    Example: [bold]fanout show orders-20261124[/]
    """
    here = session(context)
    run = here.api.get(run_path(run_id))
    if json:
        as_json(run)
    else:
        show_run(here, run)


def show_run(here: Session, run: dict[str, Any]) -> None:
    """Print a run's status for people."""
    items = run["items"]
    limits = run.get("limits") or {}
    counts = {
        name.replace("_", " "): formats.count(number)
        for name, number in items.items()
        if number or name == "total"
    }
    told = {
        "run": escape(run["run_id"]),
        "workload": escape(run["workload"]),
        "outcome" if run["outcome"] else "phase": formats.outcome(run),
        "status": run["status"],
        **counts,
        "retries": formats.count(run["retries"]) if run["retries"] else "",
        "partitions": f"{run['partitions']['done']} of {run['partitions']['total']}",
        "redrives": str(run["redrive_count"] or ""),
        "taken up again": _take_overs(run),
        "started": formats.moment(run["started_at"]),
        "finished": formats.moment(run["finished_at"]),
        "took": formats.duration(run["duration_seconds"]),
        "pace": formats.rate(run["items_per_second"]),
        "still takes": formats.duration(run["eta_seconds"]),
        "batches": f"{run['batches_in_flight']} in flight, {limits['batches']} at most"
        if limits and not run["outcome"]
        else "",
        "rate": formats.rate(limits.get("items_per_second")),
        "stalled since": formats.moment(run["stalled_since"]),
        "error": f"[red]{escape(run['error'])}[/]" if run["error"] else "",
    }
    here.out.print(facts(told))
    if run["errors"]:
        here.out.print()
        here.out.print(table(("ERROR", "MESSAGE", "ITEMS", "FOR EXAMPLE"), _errors(run), (2,)))


def _take_overs(run: dict[str, Any]) -> str:
    number = run.get("take_overs", 0)
    if not number:
        return ""
    times = "once" if number == 1 else f"{number} times"
    return f"{times}, last because: {escape(run['take_over_reason'] or '')}"


def _errors(run: dict[str, Any]) -> list[tuple[str, ...]]:
    return [
        (
            f"[red]{escape(group['type'])}[/]",
            escape(group["message"]),
            formats.count(group["count"]),
            escape(group["example_item"] or ""),
        )
        for group in run["errors"]
    ]


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
    here = session(context)
    size = min(limit or 1000, 1000)
    pages = here.api.pages(run_path(run_id, "items"), "items", status=status, limit=size)
    found = islice(pages, limit or None)
    if json:
        for item in found:
            as_json(item)
        return
    columns = ("INDEX", "ITEM", "STATUS", "TRIES", "TOOK", "ERROR")
    here.out.print(table(columns, map(_item, found), numbers=(0, 3)))


def _item(item: dict[str, Any]) -> tuple[str, ...]:
    error = item.get("error") or {}
    last = item["index"] + item.get("count", 1) - 1
    return (
        str(item["index"]) if last == item["index"] else f"{item['index']}-{last}",
        escape(item["item_id"]),
        str(item["status"]).replace("_", " "),
        str(item.get("attempts", 1)),
        formats.duration(item.get("duration_ms", 0.0) / 1000),
        escape(f"{error['type']}: {error['message']}") if error else "",
    )


def workloads(
    context: typer.Context,
    name: Annotated[str | None, typer.Argument(help="Of this one, everything.")] = None,
    *,
    json: AsJson = False,
) -> None:
    """List what can be run; of one workload, its items and parameters.

    Example: [bold]fanout workloads reports[/]
    """
    here = session(context)
    if name is not None:
        found = here.api.get(f"workloads/{name}")
        if json:
            as_json(found)
        else:
            _describe(here, found)
        return
    listed = here.api.get("workloads")["workloads"]
    if json:
        for one in listed:
            as_json(one)
        return
    rows = [(escape(one["name"]), escape(one["description"])) for one in listed]
    here.out.print(table(("WORKLOAD", "WHAT IT DOES"), rows, ()))


def _describe(here: Session, found: dict[str, Any]) -> None:
    here.out.print(f"[bold]{escape(found['name'])}[/]: {escape(found['description'])}")
    for title, schema in (("items", found["items"]), ("parameters", found["parameters"])):
        needed = set(schema.get("required", ()))
        rows = [
            (escape(name), "yes" if name in needed else "", _kind(said), _default(said))
            for name, said in schema.get("properties", {}).items()
        ]
        here.out.print()
        here.out.print(table((title.upper(), "NEEDED", "TYPE", "DEFAULT"), rows, ()))


def _kind(said: dict[str, Any]) -> str:
    if "$ref" in said:
        return escape(str(said["$ref"]).rpartition("/")[2])
    if "anyOf" in said:
        return " or ".join(map(_kind, said["anyOf"]))
    if "enum" in said:
        return escape(", ".join(map(str, said["enum"])))
    return escape(str(said.get("const", said.get("type", "anything"))))


def _default(said: dict[str, Any]) -> str:
    return escape(str(said["default"])) if said.get("default") not in (None, "", [], {}) else ""


def schedules(context: typer.Context, *, json: AsJson = False) -> None:
    """List what begins by itself: when each is due next, and how it went last.

    Example: [bold]fanout schedules[/]
    """
    here = session(context)
    listed = here.api.get("schedules")["schedules"]
    if json:
        for one in listed:
            as_json(one)
        return
    columns = ("SCHEDULE", "WHEN", "ZONE", "RUNS", "NEXT", "LAST RUN", "ENDED")
    here.out.print(table(columns, map(_schedule, listed), ()))


def _schedule(one: dict[str, Any]) -> tuple[str, ...]:
    last = one.get("last_run")
    return (
        escape(one["name"]),
        one["schedule"],
        one["zone"],
        escape(one.get("workload") or one.get("task") or ""),
        formats.moment(one["next_at"]) if one["is_enabled"] else "[dim]off[/]",
        escape(last["run_id"]) if last else "",
        formats.outcome(last) if last else "",
    )
