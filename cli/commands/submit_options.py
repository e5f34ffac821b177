"""The options of the command `submit`, each with its help."""

from pathlib import Path
from typing import Annotated

import typer

from cli.numbers import (
    MAX_BATCH_ITEMS,
    MAX_BATCHES,
    MAX_COUNT,
    MAX_RATE,
    MAX_TRIES,
    MIN_RATE,
    insist_on_finite,
)

PANEL = "How it is carried out"

Request = Annotated[
    Path | None,
    typer.Argument(help="A file with a request, or - for standard input.", allow_dash=True),
]
Workload = Annotated[str | None, typer.Option("--workload", "-w", help="What to run.")]
Data = Annotated[
    Path | None,
    typer.Option(
        "--data",
        "-d",
        help="A file of this machine, or - for standard input; it is uploaded.",
        allow_dash=True,
    ),
]
Kind = Annotated[
    str | None,
    typer.Option("--kind", help="Of --data, where its name does not say it: csv, jsonl.gz, ..."),
]
Source = Annotated[
    str | None, typer.Option("--source", "-s", help="kind:container/blob of what is there.")
]
Parameters = Annotated[
    list[str] | None,
    typer.Option("--parameter", "-p", help="name=value, JSON or text; may be repeated."),
]
RunId = Annotated[str | None, typer.Option(help="The id of the run.")]
IdempotencyKey = Annotated[str | None, typer.Option(help="The same key finds the same run again.")]
Container = Annotated[str, typer.Option(help="Where --data is uploaded to.")]
MaxItems = Annotated[int | None, typer.Option(min=1, max=MAX_COUNT, rich_help_panel=PANEL)]
BatchItems = Annotated[int | None, typer.Option(min=1, max=MAX_BATCH_ITEMS, rich_help_panel=PANEL)]
Concurrency = Annotated[
    int | None,
    typer.Option(min=1, max=MAX_BATCHES, help="Batches in flight.", rich_help_panel=PANEL),
]
Rate = Annotated[
    float | None,
    typer.Option(
        min=MIN_RATE,
        max=MAX_RATE,
        callback=insist_on_finite,
        help="Items a second.",
        rich_help_panel=PANEL,
    ),
]
Attempts = Annotated[
    int | None, typer.Option(min=1, max=MAX_TRIES, help="Tries of an item.", rich_help_panel=PANEL)
]
Tolerate = Annotated[
    str | None,
    typer.Option(help="Failures that are accepted: 10, or 2.5%.", rich_help_panel=PANEL),
]
OnExceeded = Annotated[
    str | None, typer.Option(help="stop, continue or compensate.", rich_help_panel=PANEL)
]
DryRun = Annotated[bool, typer.Option("--dry-run", help="Only tell what it would do.")]
