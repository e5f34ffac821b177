"""The commands that steer a run: cancel, suspend, resume, redrive, set, delete."""

from typing import Annotated, Any

import typer

from cli import formats
from cli.api import run_path
from cli.commands.options import limit_options, merge_options, parse_tolerance
from cli.commands.watch import WatchOption, watch_run
from cli.consoles import make_markup
from cli.errors import CommandError
from cli.numbers import MAX_BATCHES, MAX_RATE, MAX_TRIES, MIN_RATE, parse_number, shorten
from cli.printable import make_visible
from cli.session import AsJson, RunId, get_session
from cli.streams import print_json


def cancel(context: typer.Context, run_id: RunId, *, json: AsJson = False) -> None:
    """Let nothing more begin; batches in flight finish, and the rest stays pending.

    Example: [bold]fanout cancel orders-1[/]
    """
    _post(context, run_id, "cancel", "is being cancelled", is_json=json)


def suspend(context: typer.Context, run_id: RunId, *, json: AsJson = False) -> None:
    """Let nothing begin until the run is resumed.

    Example: [bold]fanout suspend orders-1[/]
    """
    _post(context, run_id, "suspend", "is being suspended", is_json=json)


def resume(context: typer.Context, run_id: RunId, *, json: AsJson = False) -> None:
    """Let a suspended run go on, within half a minute.

    Example: [bold]fanout resume orders-1[/]
    """
    _post(context, run_id, "resume", "goes on", is_json=json)


def _post(context: typer.Context, run_id: str, verb: str, effect: str, *, is_json: bool) -> None:
    session = get_session(context)
    answer = session.api.post(run_path(run_id, verb))
    if is_json:
        print_json(answer)
    else:
        session.out.print(f"The run '{make_markup(run_id)}' {effect}.")


def redrive(  # noqa: PLR0913  each is an option
    context: typer.Context,
    run_id: RunId,
    error_type: Annotated[
        list[str] | None,
        typer.Option("--error-type", "-e", help="Only failures of this type; may be repeated."),
    ] = None,
    attempts: Annotated[
        int | None, typer.Option(min=1, max=MAX_TRIES, help="Tries of an item.")
    ] = None,
    tolerate: Annotated[
        str | None, typer.Option(help="Failures that are accepted: 10, or 2.5%.")
    ] = None,
    concurrency: Annotated[
        int | None, typer.Option(min=1, max=MAX_BATCHES, help="Batches in flight.")
    ] = None,
    *,
    watch: WatchOption = False,
    json: AsJson = False,
) -> None:
    """Try the failed and pending items of a run that is over once more.

    Example: [bold]fanout redrive orders-1 --error-type TimeoutError --watch[/]
    """
    session = get_session(context)
    limits = limit_options(concurrency, None, attempts, tolerate)
    body = merge_options({}, {"error_types": error_type or None, **limits})
    answer = session.api.post(run_path(run_id, "redrive"), body)
    if json and not watch:
        print_json(answer)
    elif not json:
        session.err.print(
            f"The run '{make_markup(run_id)}' is being redriven: attempt {answer['attempt']}."
        )
    if watch:
        raise typer.Exit(watch_run(session, run_id, None, is_json=json))


def set_limits(
    context: typer.Context,
    run_id: RunId,
    concurrency: Annotated[
        int | None, typer.Option(min=1, max=MAX_BATCHES, help="Batches in flight.")
    ] = None,
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
    session = get_session(context)
    body = _new_limits(concurrency, rate, tolerate)
    if not body:
        raise CommandError("Say what to change: --concurrency, --rate or --tolerate.")
    answer = session.api.patch(run_path(run_id), body)
    if json:
        print_json(answer)
        return
    limits, tolerance = answer["limits"], answer["limits"]["tolerance"]
    pace = formats.rate(limits["items_per_second"]) or "as fast as it can"
    session.out.print(
        f"The run '{make_markup(run_id)}' has {limits['batches']} batches in flight at most, "
        f"{pace}, and tolerates {tolerance['count']} failures or {tolerance['percentage']:g}%."
    )


def _new_limits(concurrency: int | None, rate: str | None, tolerate: str | None) -> dict[str, Any]:
    """The body of a change; a rate of None in it means that the run has no rate any more."""
    pace: dict[str, Any] = {}
    if concurrency is not None:
        pace["batches"] = concurrency
    if rate is not None:
        pace["items_per_second"] = _parse_rate(rate)
    body: dict[str, Any] = {"concurrency": pace} if pace else {}
    if tolerate is not None:
        body["tolerance"] = parse_tolerance(tolerate)
    return body


def _parse_rate(text: str) -> float | None:
    if text.lower() == "none":
        return None
    try:
        return parse_number(text, MIN_RATE, MAX_RATE)
    except ValueError as error:
        raise CommandError(
            f"--rate takes items a second or 'none', not '{shorten(text)}'."
        ) from error


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
    session = get_session(context)
    if not yes:
        name = make_visible(run_id)
        typer.confirm(f"Delete the run '{name}' and all its files?", abort=True, err=True)
    session.api.delete(run_path(run_id))
    if json:
        print_json({"run_id": run_id, "deleted": True})
    else:
        session.out.print(f"The run '{make_markup(run_id)}' is deleted.")
