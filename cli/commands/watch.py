"""Watching a run to its end."""

import time
from collections.abc import Iterator
from typing import Annotated, Any

import typer
from rich.progress import BarColumn, Progress, SpinnerColumn, TextColumn, TimeElapsedColumn

from cli import formats
from cli.api import run_path
from cli.commands.look import show_run
from cli.errors import EXIT_CODES, ApiError, CommandError
from cli.session import AsJson, RunId, Session, as_json, session

# The governor hears of a run a wave at a time; asking more often shows nothing more.
FIRST_SECONDS, MOST_SECONDS = 0.3, 2.0
PATIENCE_SECONDS = 60.0
TOO_MANY = 429

Timeout = Annotated[
    float | None, typer.Option(min=0, help="Give up watching after so many seconds; exit 1.")
]


def watch(
    context: typer.Context,
    run_id: RunId,
    timeout: Timeout = None,
    *,
    json: AsJson = False,
) -> None:
    """Watch a run to its end.

    The exit code says how it ended: 0 succeeded, 3 partially succeeded, 4 failed, 5 compensated,
    6 cancelled; 1 is that it cannot be watched.

    Example: [bold]fanout watch orders-1 && echo shipped[/]
    """
    raise typer.Exit(watch_run(session(context), run_id, timeout, is_json=json))


def watch_run(here: Session, run_id: str, timeout: float | None, *, is_json: bool) -> int:
    """Watch a run to its end; gives the exit code for how it ended.

    Raises:
        CommandError: There is no such run, nobody answers for a minute, or the time is up.
    """
    statuses = _statuses(here, run_id, timeout)
    try:
        if is_json:
            last = _told_as_json(statuses)
        elif here.told.is_terminal:
            last = _told_by_a_bar(here, statuses)
        else:
            last = _told_by_lines(here, statuses)
    except KeyboardInterrupt:
        here.told.print(f"The run goes on; 'fanout watch {run_id}' looks at it again.")
        return 130
    if not is_json:
        show_run(here, last)
    return EXIT_CODES.get(str(last["outcome"]), 1)


def _statuses(here: Session, run_id: str, timeout: float | None) -> Iterator[dict[str, Any]]:
    """Give the run's status again and again, the last one when it is over."""
    api, pause = here.api, FIRST_SECONDS
    ends = time.monotonic() + timeout if timeout is not None else None
    while True:
        status = _asked(here, api, run_id)
        yield status
        if status["phase"] == "done":
            return
        if ends is not None and time.monotonic() >= ends:
            raise CommandError(f"The run '{run_id}' goes on; {timeout:g} s are over.")
        time.sleep(pause)
        pause = min(MOST_SECONDS, pause * 1.2)


def _asked(here: Session, api: Any, run_id: str) -> dict[str, Any]:
    """Ask for the status; an app that does not answer is asked again for a minute."""
    gives_up = time.monotonic() + PATIENCE_SECONDS
    while True:
        try:
            return dict(api.get(run_path(run_id)))
        except CommandError as error:
            is_passing = not isinstance(error, ApiError) or error.status in (TOO_MANY, 503)
            if not is_passing or time.monotonic() >= gives_up:
                raise
            here.told.print(f"[yellow]{error} Trying again.[/]", soft_wrap=True)
            time.sleep(MOST_SECONDS)


def _told_as_json(statuses: Iterator[dict[str, Any]]) -> dict[str, Any]:
    last: dict[str, Any] = {}
    for status in statuses:
        if status != last:
            as_json(status)
        last = status
    return last


def _told_by_lines(here: Session, statuses: Iterator[dict[str, Any]]) -> dict[str, Any]:
    """A line whenever a tenth of the items or another phase is reached."""
    last: dict[str, Any] = {}
    before: tuple[str, int] | None = None
    for last in statuses:
        total = last["items"]["total"]
        done = total - last["items"]["pending"]
        at = (last["phase"], 10 * done // total if total else 0)
        if at != before:
            here.told.print(_line(last, done))
        before = at
    return last


def _line(status: dict[str, Any], done: int) -> str:
    items = status["items"]
    told = f"{status['phase']}: {formats.count(done)} of {formats.count(items['total'])} items"
    failed = items["failed"] + items["compensation_failed"]
    if failed:
        told += f", {formats.count(failed)} failed"
    if status["items_per_second"] is not None:
        told += f", {formats.rate(status['items_per_second'])}"
    if status["eta_seconds"]:
        told += f", still takes {formats.duration(status['eta_seconds'])}"
    return told


def _told_by_a_bar(here: Session, statuses: Iterator[dict[str, Any]]) -> dict[str, Any]:
    last: dict[str, Any] = {}
    with progress_of(here) as progress:
        task = progress.add_task("", total=None, told="")
        for last in statuses:
            show_progress(progress, task, last)
    return last


def progress_of(here: Session) -> Progress:
    """The bar of a run."""
    return Progress(
        SpinnerColumn(),
        TextColumn("{task.description}"),
        BarColumn(bar_width=32),
        TextColumn("[progress.percentage]{task.percentage:>3.0f}%"),
        TextColumn("{task.fields[told]}"),
        TimeElapsedColumn(),
        console=here.told,
        transient=True,
    )


def show_progress(progress: Progress, task: Any, status: dict[str, Any]) -> None:
    """Put a status into the bar."""
    items = status["items"]
    done = items["total"] - items["pending"]
    told = [f"{formats.count(done)}/{formats.count(items['total'])}"] if items["total"] else []
    if status["items_per_second"] is not None:
        told.append(formats.rate(status["items_per_second"]))
    if failed := items["failed"] + items["compensation_failed"]:
        told.append(f"[red]{formats.count(failed)} failed[/]")
    if status["retries"]:
        told.append(f"[yellow]{formats.count(status['retries'])} retries[/]")
    if status["eta_seconds"]:
        told.append(f"[dim]{formats.duration(status['eta_seconds'])} left[/]")
    phase = status["status"] if status["status"] == "Suspended" else status["phase"]
    progress.update(
        task,
        total=items["total"] or None,
        completed=done,
        description=f"[bold]{phase.lower()}[/]",
        told="  ".join(told),
    )
