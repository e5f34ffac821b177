"""A progress bar of what `GET /api/runs/{run_id}` returns."""

import time
from typing import Any

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, SpinnerColumn, TextColumn

from demo.api import Api
from demo.errors import DemoError

RUN_SECONDS = 900
POLL_SECONDS = 0.1


def follow(api: Api, run_id: str, console: Console) -> dict[str, Any]:
    """Show the progress of a run until it has ended; return its last status.

    Raises:
        DemoError: It did not end in time.
    """
    progress = Progress(
        SpinnerColumn(),
        TextColumn("{task.fields[phase]:<11}"),
        BarColumn(bar_width=None),
        MofNCompleteColumn(),
        TextColumn("{task.fields[speed]}"),
        console=console,
    )
    deadline = time.monotonic() + RUN_SECONDS
    with progress:
        task = progress.add_task("run", total=None, phase="planning", speed="")
        while time.monotonic() < deadline:
            status = api.status(run_id)
            total, done = _counts(status["items"])
            progress.update(
                task,
                total=total or None,
                completed=done,
                phase=status["phase"],
                speed=_format_speed(status),
            )
            if status["phase"] == "done":
                return status
            time.sleep(POLL_SECONDS)
    raise DemoError(f"The run '{run_id}' did not end within {RUN_SECONDS} seconds.")


def _counts(items: dict[str, int]) -> tuple[int, int]:
    return items["total"], items["total"] - items["pending"]


def _format_speed(status: dict[str, Any]) -> str:
    rate, seconds = status["items_per_second"], status["eta_seconds"]
    if rate is None:
        return ""
    is_known = seconds is not None and status["phase"] != "done"
    return f"{rate:,.0f} items/s" + (f", {seconds:.0f} s left" if is_known else "")
