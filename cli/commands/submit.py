"""Submitting a run."""

import json as json_module
import sys
from pathlib import Path
from typing import Annotated, Any

import typer

from cli.commands.options import amended, parameters_of, source_of, tolerance_of
from cli.commands.watch import watch_run
from cli.errors import CommandError
from cli.session import AsJson, Session, as_json, bytes_of, facts, session
from cli.uploads import source_from

PANEL = "How it is carried out"


def submit(  # noqa: PLR0913  each is an option
    context: typer.Context,
    request: Annotated[
        Path | None,
        typer.Argument(help="A file with a request, or - for standard input.", allow_dash=True),
    ] = None,
    workload: Annotated[str | None, typer.Option("--workload", "-w", help="What to run.")] = None,
    data: Annotated[
        Path | None,
        typer.Option("--data", "-d", help="A file of this machine; it is uploaded."),
    ] = None,
    source: Annotated[
        str | None, typer.Option("--source", "-s", help="kind:container/blob of what is there.")
    ] = None,
    parameter: Annotated[
        list[str] | None,
        typer.Option("--parameter", "-p", help="name=value, JSON or text; may be repeated."),
    ] = None,
    run_id: Annotated[str | None, typer.Option(help="The id of the run.")] = None,
    idempotency_key: Annotated[
        str | None, typer.Option(help="The same key finds the same run again.")
    ] = None,
    container: Annotated[str, typer.Option(help="Where --data is uploaded to.")] = "inbox",
    max_items: Annotated[int | None, typer.Option(min=1, rich_help_panel=PANEL)] = None,
    batch_items: Annotated[int | None, typer.Option(min=1, rich_help_panel=PANEL)] = None,
    concurrency: Annotated[
        int | None, typer.Option(min=1, help="Batches in flight.", rich_help_panel=PANEL)
    ] = None,
    rate: Annotated[
        float | None, typer.Option(help="Items a second.", rich_help_panel=PANEL)
    ] = None,
    attempts: Annotated[
        int | None, typer.Option(min=1, help="Tries of an item.", rich_help_panel=PANEL)
    ] = None,
    tolerate: Annotated[
        str | None,
        typer.Option(help="Failures that are accepted: 10, or 2.5%.", rich_help_panel=PANEL),
    ] = None,
    on_exceeded: Annotated[
        str | None, typer.Option(help="stop, continue or compensate.", rich_help_panel=PANEL)
    ] = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only tell what it would do.")] = False,
    watch: Annotated[bool, typer.Option("--watch", help="Watch it to its end.")] = False,
    *,
    json: AsJson = False,
) -> None:
    r"""Start a run: by a request file, by options, or both; options come last.

    Examples:
    [bold]fanout submit nightly.json --watch[/]

    [bold]fanout submit -w reports -d flights.csv -p 'group_by=\["carrier"]' --dry-run[/]

    [bold]fanout submit -w orders -s jsonl:inbox/orders.jsonl --rate 50 --tolerate 1%[/]
    """
    here = session(context)
    said = {
        "workload": workload,
        "run_id": run_id,
        "parameters": parameters_of(parameter or []),
        "batch": {"max_items": batch_items},
        "concurrency": {"batches": concurrency, "items_per_second": rate},
        "retry": {"max_attempts": attempts},
        "tolerance": tolerance_of(tolerate) if tolerate is not None else None,
        "on_exceeded": on_exceeded,
        "max_items": max_items,
    }
    body = amended(_read(request), said)
    if "workload" not in body:
        raise CommandError("Say what to run: --workload, or a request file that names it.")
    body |= _source(here, source, data, container)
    if "source" not in body:
        raise CommandError("Say where the items are: --data, --source, or a request file.")
    if dry_run or body.get("dry_run"):
        _estimate(here, {**body, "dry_run": True}, is_json=json)
        return
    headers = {"Idempotency-Key": idempotency_key} if idempotency_key else {}
    answer = here.api.post("runs", body, headers)
    if json and not watch:
        as_json(answer)
    elif not json:
        here.out.print(answer["run_id"])
    if watch:
        raise typer.Exit(watch_run(here, answer["run_id"], None, is_json=json))


def _read(request: Path | None) -> dict[str, Any]:
    if request is None:
        return {}
    try:
        text = sys.stdin.read() if str(request) == "-" else request.read_text(encoding="utf-8")
        found = json_module.loads(text)
    except (OSError, ValueError) as error:
        raise CommandError(f"'{request}' cannot be read as JSON: {error}") from error
    if not isinstance(found, dict):
        raise CommandError(f"'{request}' is no JSON object.")
    return found


def _source(here: Session, source: str | None, data: Path | None, container: str) -> dict[str, Any]:
    if data is not None and source is not None:
        raise CommandError("--data and --source both say where the items are; take one.")
    if source is not None:
        return {"source": source_of(source)}
    return {"source": _uploaded(here, data, container)} if data is not None else {}


def _uploaded(here: Session, data: Path, container: str) -> dict[str, Any]:
    with bytes_of(here) as progress:
        task = progress.add_task(f"uploading {data.name}", total=None)

        def told(done: int, total: int) -> None:
            progress.update(task, completed=done, total=total or None)

        return source_from(data, here.settings, container, told)


def _estimate(here: Session, body: dict[str, Any], *, is_json: bool) -> None:
    answer = here.api.post("runs", body)
    if is_json:
        as_json(answer)
        return
    estimate = answer["estimate"]
    about = "" if answer["is_exact"] else "about "
    here.out.print(
        facts(
            {
                "items": f"{about}{answer['items']:,}",
                "batches": f"{estimate['batches']:,}",
                "activities": f"{estimate['activities']:,}",
                "storage operations": f"{estimate['storage_operations']:,}",
                "at least": f"{estimate['least_cost_dollars']:.4f} USD",
            }
        )
    )
    for item in answer["first_items"]:
        here.out.print_json(json_module.dumps(item), indent=None)
