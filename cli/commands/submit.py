"""The command `submit`: start a run, or estimate it."""

import json as json_module
from pathlib import Path
from typing import Any

import typer

from cli.commands import submit_options as options
from cli.commands.options import (
    limit_options,
    merge_options,
    parse_parameters,
    parse_source,
)
from cli.commands.watch import WatchOption, watch_run
from cli.consoles import make_markup
from cli.data_files import STANDARD_INPUT, DataFile, make_source
from cli.documents import read_document
from cli.errors import CommandError
from cli.session import AsJson, Session, fact_table, get_session, transfer_progress
from cli.streams import print_json, standard_input


def submit(  # noqa: PLR0913  each is an option
    context: typer.Context,
    request: options.Request = None,
    workload: options.Workload = None,
    data: options.Data = None,
    kind: options.Kind = None,
    source: options.Source = None,
    parameter: options.Parameters = None,
    run_id: options.RunId = None,
    idempotency_key: options.IdempotencyKey = None,
    container: options.Container = "inbox",
    max_items: options.MaxItems = None,
    batch_items: options.BatchItems = None,
    concurrency: options.Concurrency = None,
    rate: options.Rate = None,
    attempts: options.Attempts = None,
    tolerate: options.Tolerate = None,
    on_exceeded: options.OnExceeded = None,
    dry_run: options.DryRun = False,
    watch: WatchOption = False,
    *,
    json: AsJson = False,
) -> None:
    r"""Start a run: by a request file, by options, or both; options come last.

    Examples:
    [bold]fanout submit nightly.json --watch[/]

    [bold]fanout submit -w reports -d flights.csv -p 'group_by=\["carrier"]' --dry-run[/]

    [bold]fanout submit -w orders -s jsonl:inbox/orders.jsonl --rate 50 --tolerate 1%[/]
    """
    session = get_session(context)
    values = {
        "workload": workload,
        "run_id": run_id,
        "parameters": parse_parameters(parameter or []),
        "batch": {"max_items": batch_items},
        "on_exceeded": on_exceeded,
        "max_items": max_items,
        **limit_options(concurrency, rate, attempts, tolerate),
    }
    file = _data_file(data, kind, request)
    body = merge_options(_read_request(request), values)
    body = _add_source(session, body, source, file, container)
    if dry_run or body.get("dry_run"):
        _print_estimate(session, {**body, "dry_run": True}, is_json=json)
    else:
        _start_run(session, body, idempotency_key, watch=watch, is_json=json)


def _data_file(data: Path | None, kind: str | None, request: Path | None) -> DataFile | None:
    if data is None:
        return None
    if request == data == STANDARD_INPUT:
        raise CommandError("Standard input is either the request or the data.")
    return DataFile(data, kind)


def _read_request(path: Path | None) -> dict[str, Any]:
    if path is None:
        return {}
    try:
        data = standard_input().read() if path == STANDARD_INPUT else path.read_bytes()
        request = read_document(data)
    except (OSError, ValueError) as error:
        raise CommandError(f"'{path}' cannot be read as JSON: {error}") from error
    if not isinstance(request, dict):
        raise CommandError(f"'{path}' is no JSON object.")
    return request


def _add_source(
    session: Session,
    body: dict[str, Any],
    source: str | None,
    data: DataFile | None,
    container: str,
) -> dict[str, Any]:
    """Complete a request by the source of the options; a data file is uploaded."""
    if "workload" not in body:
        raise CommandError("Say what to run: --workload, or a request file that names it.")
    if data is not None and source is not None:
        raise CommandError("--data and --source both say where the items are; take one.")
    if source is not None:
        return {**body, "source": parse_source(source)}
    if data is not None:
        return {**body, "source": _upload(session, data, container)}
    if "source" not in body:
        raise CommandError("Say where the items are: --data, --source, or a request file.")
    return body


def _upload(session: Session, data: DataFile, container: str) -> dict[str, Any]:
    with transfer_progress(session) as progress:
        task = progress.add_task(f"uploading {make_markup(data.name)}", total=None)

        def on_progress(sent: int, total: int) -> None:
            progress.update(task, completed=sent, total=total or None)

        return make_source(data, session.settings, container, on_progress)


def _start_run(
    session: Session, body: dict[str, Any], key: str | None, *, watch: bool, is_json: bool
) -> None:
    headers = {} if key is None else {"Idempotency-Key": key}
    answer = session.api.post("runs", body, headers)
    if is_json and not watch:
        print_json(answer)
    elif not is_json:
        session.out.print(make_markup(answer["run_id"]))
    if watch:
        raise typer.Exit(watch_run(session, answer["run_id"], None, is_json=is_json))


def _print_estimate(session: Session, body: dict[str, Any], *, is_json: bool) -> None:
    answer = session.api.post("runs", body)
    if is_json:
        print_json(answer)
        return
    estimate = answer["estimate"]
    about = "" if answer["is_exact"] else "about "
    expected, worst = estimate["expected"], estimate["worst"]
    operations = [used["storage_operations"]["total"] for used in (expected, worst)]
    facts = {
        "items": f"{about}{answer['items']:,}",
        "an item takes": _range(
            estimate["expected_item_seconds"], estimate["worst_item_seconds"], " s"
        ),
        "activities": _range(expected["activities"], worst["activities"]),
        "billed": _range(expected["billed_seconds"], worst["billed_seconds"], " s"),
        "storage operations": _range(*operations),
        "cost": _range(expected["usd"]["total"], worst["usd"]["total"], " USD"),
    }
    session.out.print(fact_table(facts))
    for item in answer["first_items"]:
        session.out.print_json(json_module.dumps(item), indent=None)


def _range(expected: float, worst: float, unit: str = "") -> str:
    """What is expected, and the most that it may be."""
    return f"{expected:,.6g}{unit}, at most {worst:,.6g}{unit}"
