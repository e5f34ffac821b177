"""Steering: cancel, suspend, resume, redrive, new limits, delete."""

from typing import Annotated, Any

import typer

from cli import formats
from cli.api import run_path
from cli.commands.options import tolerance_of
from cli.commands.watch import watch_run
from cli.errors import CommandError
from cli.session import AsJson, RunId, Session, as_json, session

Watch = Annotated[bool, typer.Option("--watch", help="Watch it to its end.")]


def cancel(context: typer.Context, run_id: RunId, *, json: AsJson = False) -> None:
    """Let nothing more begin; batches in flight finish, and the rest stays pending.

    Example: [bold]fanout cancel orders-1[/]
    """
    _ask(session(context), run_id, "cancel", "is being cancelled", is_json=json)


def suspend(context: typer.Context, run_id: RunId, *, json: AsJson = False) -> None:
    """Let nothing begin until the run is resumed.

    Example: [bold]fanout suspend orders-1[/]
    """
    _ask(session(context), run_id, "suspend", "is being suspended", is_json=json)


def resume(context: typer.Context, run_id: RunId, *, json: AsJson = False) -> None:
    """Let a suspended run go on, within half a minute.

    Example: [bold]fanout resume orders-1[/]
    """
    _ask(session(context), run_id, "resume", "goes on", is_json=json)


def _ask(here: Session, run_id: str, verb: str, told: str, *, is_json: bool) -> None:
    answer = here.api.post(run_path(run_id, verb))
    if is_json:
        as_json(answer)
    else:
        here.out.print(f"The run '{run_id}' {told}.")


def redrive(  # noqa: PLR0913  each is an option
    context: typer.Context,
    run_id: RunId,
    error_type: Annotated[
        list[str] | None,
        typer.Option("--error-type", "-e", help="Only failures of this type; may be repeated."),
    ] = None,
    attempts: Annotated[int | None, typer.Option(min=1, help="Tries of an item.")] = None,
    tolerate: Annotated[
        str | None, typer.Option(help="Failures that are accepted: 10, or 2.5%.")
    ] = None,
    concurrency: Annotated[int | None, typer.Option(min=1, help="Batches in flight.")] = None,
    *,
    watch: Watch = False,
    json: AsJson = False,
) -> None:
    """Try the failed and pending items of a run that is over once more.

    Example: [bold]fanout redrive orders-1 --error-type TimeoutError --watch[/]
    """
    here = session(context)
    body: dict[str, Any] = {}
    if error_type:
        body["error_types"] = error_type
    if attempts is not None:
        body["retry"] = {"max_attempts": attempts}
    if tolerate is not None:
        body["tolerance"] = tolerance_of(tolerate)
    if concurrency is not None:
        body["concurrency"] = {"batches": concurrency}
    answer = here.api.post(run_path(run_id, "redrive"), body)
    if json and not watch:
        as_json(answer)
    elif not json:
        here.told.print(f"The run '{run_id}' is being redriven: attempt {answer['attempt']}.")
    if watch:
        raise typer.Exit(watch_run(here, run_id, None, is_json=json))


def set_limits(
    context: typer.Context,
    run_id: RunId,
    concurrency: Annotated[int | None, typer.Option(min=1, help="Batches in flight.")] = None,
    rate: Annotated[
        str | None, typer.Option(help="Items a second, or 'none' for as fast as it can.")
    ] = None,
    tolerate: Annotated[
        str | None, typer.Option(help="Failures that are accepted: 10, or 2.5%.")
    ] = None,
    *,
    json: AsJson = False,
) -> None:
    """Change the limits of a run that goes on; they hold within one wave.

    Example: [bold]fanout set orders-1 --concurrency 200 --rate none[/]
    """
    here = session(context)
    pace: dict[str, Any] = {}
    if concurrency is not None:
        pace["batches"] = concurrency
    if rate is not None:
        pace["items_per_second"] = _rate_of(rate)
    body: dict[str, Any] = {"concurrency": pace} if pace else {}
    if tolerate is not None:
        body["tolerance"] = tolerance_of(tolerate)
    if not body:
        raise CommandError("Say what to change: --concurrency, --rate or --tolerate.")
    answer = here.api.patch(run_path(run_id), body)
    if json:
        as_json(answer)
        return
    limits, tolerance = answer["limits"], answer["limits"]["tolerance"]
    pace_now = formats.rate(limits["items_per_second"]) or "as fast as it can"
    here.out.print(
        f"The run '{run_id}' has {limits['batches']} batches in flight at most, {pace_now}, and "
        f"tolerates {tolerance['count']} failures or {tolerance['percentage']:g}%."
    )


def _rate_of(text: str) -> float | None:
    if text.lower() == "none":
        return None
    try:
        return float(text)
    except ValueError as error:
        raise CommandError(f"--rate takes items a second or 'none', not '{text}'.") from error


def delete(
    context: typer.Context,
    run_id: RunId,
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Do not ask.")] = False,
    *,
    json: AsJson = False,
) -> None:
    """Delete a run that is over: its history, its files, its id.

    Example: [bold]fanout delete orders-1 --yes[/]
    """
    here = session(context)
    if not yes:
        typer.confirm(f"Delete the run '{run_id}' and all its files?", abort=True, err=True)
    here.api.delete(run_path(run_id))
    if json:
        as_json({"run_id": run_id, "deleted": True})
    else:
        here.out.print(f"The run '{run_id}' is deleted.")
