"""The command `watch`: watch a run to its end."""

import time
from collections.abc import Iterator
from typing import Annotated, Any

import typer
from rich.progress import (
    BarColumn,
    Progress,
    SpinnerColumn,
    TaskID,
    TextColumn,
    TimeElapsedColumn,
)

from cli import formats
from cli.api import Api, run_path
from cli.commands.runs import show_run
from cli.consoles import make_markup
from cli.errors import ApiError, CommandError
from cli.numbers import MAX_WATCH_SECONDS, insist_on_finite
from cli.outcomes import INTERRUPTED, exit_code
from cli.session import AsJson, RunId, Session, get_session
from cli.streams import print_json

# A small run ends within some tenths of a second. The status of a large one changes once a wave:
# polling it more often shows nothing more.
FIRST_SECONDS, MOST_SECONDS = 0.1, 2.0
LONGER = 1.3
PATIENCE_SECONDS = 60.0
# Too many requests, and service unavailable.
PASSING_STATUSES = (429, 503)

Status = dict[str, Any]
WatchOption = Annotated[bool, typer.Option("--watch", help="Watch it to its end.")]
Timeout = Annotated[
    float | None,
    typer.Option(
        min=0,
        max=MAX_WATCH_SECONDS,
        callback=insist_on_finite,
        help="Give up watching after so many seconds; exit 1.",
    ),
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
    raise typer.Exit(watch_run(get_session(context), run_id, timeout, is_json=json))


def watch_run(session: Session, run_id: str, timeout: float | None, *, is_json: bool) -> int:
    """Watch a run to its end; return the exit code of its outcome.

    Raises:
        CommandError: There is no such run, the app does not answer for a minute, or time is up.
    """
    statuses = _poll_statuses(session, run_id, timeout)
    try:
        if is_json:
            last = _print_as_json(statuses)
        elif session.err.is_terminal:
            last = _show_bar(session, statuses)
        else:
            last = _print_lines(session, statuses)
    except KeyboardInterrupt:
        session.err.print(
            f"The run goes on; 'fanout watch {make_markup(run_id)}' looks at it again."
        )
        return INTERRUPTED
    if not is_json:
        show_run(session, last)
    return exit_code(str(last["outcome"]))


def _poll_statuses(session: Session, run_id: str, timeout: float | None) -> Iterator[Status]:
    """Yield the run's status again and again; the last one is that of the finished run."""
    api, pause = session.api, FIRST_SECONDS
    deadline = time.monotonic() + timeout if timeout is not None else None
    while True:
        status = _get_status(session, api, run_id)
        yield status
        if status["phase"] == "done":
            return
        if deadline is not None and time.monotonic() >= deadline:
            raise CommandError(f"The run '{run_id}' goes on; {timeout:g} s are over.")
        time.sleep(pause)
        pause = min(MOST_SECONDS, pause * LONGER)


def _get_status(session: Session, api: Api, run_id: str) -> Status:
    """Get the status; an app that does not answer is asked again for a minute."""
    deadline = time.monotonic() + PATIENCE_SECONDS
    while True:
        try:
            return api.get(run_path(run_id))
        except CommandError as error:
            is_passing = not isinstance(error, ApiError) or error.status in PASSING_STATUSES
            if not is_passing or time.monotonic() >= deadline:
                raise
            session.err.print(f"[yellow]{make_markup(error)} Trying again.[/]", soft_wrap=True)
            time.sleep(MOST_SECONDS)


def _print_as_json(statuses: Iterator[Status]) -> Status:
    last: Status = {}
    for status in statuses:
        if status != last:
            print_json(status)
        last = status
    return last


def _print_lines(session: Session, statuses: Iterator[Status]) -> Status:
    """Print a line whenever a tenth of the items or another phase is reached."""
    status: Status = {}
    last_milestone: tuple[str, int] | None = None
    for status in statuses:
        done, total = _count_done(status), status["items"]["total"]
        milestone = (status["phase"], 10 * done // total if total else 0)
        if milestone != last_milestone:
            session.err.print(_line(status))
        last_milestone = milestone
    return status


def _line(status: Status) -> str:
    done, total = _count_done(status), status["items"]["total"]
    line = f"{status['phase']}: {formats.count(done)} of {formats.count(total)} items"
    if failed := _count_failed(status):
        line += f", {formats.count(failed)} failed"
    if status["items_per_second"] is not None:
        line += f", {formats.rate(status['items_per_second'])}"
    if status["eta_seconds"]:
        line += f", still takes {formats.duration(status['eta_seconds'])}"
    return line


def _count_done(status: Status) -> int:
    return int(status["items"]["total"] - status["items"]["pending"])


def _count_failed(status: Status) -> int:
    return int(status["items"]["failed"] + status["items"]["compensation_failed"])


def _show_bar(session: Session, statuses: Iterator[Status]) -> Status:
    status: Status = {}
    with run_progress(session) as progress:
        task = progress.add_task("", total=None, details="")
        for status in statuses:
            update_progress(progress, task, status)
    return status


def run_progress(session: Session) -> Progress:
    """The progress bar of a run."""
    return Progress(
        SpinnerColumn(),
        TextColumn("{task.description}"),
        BarColumn(bar_width=32),
        TextColumn("[progress.percentage]{task.percentage:>3.0f}%"),
        TextColumn("{task.fields[details]}"),
        TimeElapsedColumn(),
        console=session.err,
        transient=True,
    )


def update_progress(progress: Progress, task: TaskID, status: Status) -> None:
    """Show a status in the bar."""
    phase = status["status"] if status["status"] == "Suspended" else status["phase"]
    progress.update(
        task,
        total=status["items"]["total"] or None,
        completed=_count_done(status),
        description=f"[bold]{make_markup(phase.lower())}[/]",
        details="  ".join(_details(status)),
    )


def _details(status: Status) -> Iterator[str]:
    if total := status["items"]["total"]:
        yield f"{formats.count(_count_done(status))}/{formats.count(total)}"
    if status["items_per_second"] is not None:
        yield formats.rate(status["items_per_second"])
    if failed := _count_failed(status):
        yield f"[red]{formats.count(failed)} failed[/]"
    if status["retries"]:
        yield f"[yellow]{formats.count(status['retries'])} retries[/]"
    if status["eta_seconds"]:
        yield f"[dim]{formats.duration(status['eta_seconds'])} left[/]"
