"""The commands of `fanout`."""

import os
from pathlib import Path
from typing import Annotated

import typer

from cli.commands import (
    doctor,
    index,
    items,
    results,
    runs,
    scaffold,
    schedules,
    steer,
    submit,
    watch,
    workloads,
)
from cli.session import Session
from cli.settings import ClientSettings

app = typer.Typer(
    name="fanout",
    help="Run one function over every item of a large job on Azure Functions, and see to it.",
    epilog="Where the app is and what opens it: --url and --key, or FANOUT_URL and FANOUT_KEY (or "
    "FANOUT_TOKEN), or 'url' and 'key' in ~/.config/fanout/config.toml.",
    no_args_is_help=True,
    rich_markup_mode="rich",
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)


@app.callback()
def set_up(
    context: typer.Context,
    url: Annotated[
        str | None, typer.Option(help="Of the app; without it http://localhost:7071.")
    ] = None,
    key: Annotated[str | None, typer.Option(help="A function key.")] = None,
    config: Annotated[Path | None, typer.Option(help="A file with url, key, ... in TOML.")] = None,
) -> None:
    """Load the settings for the command."""
    context.obj = Session(ClientSettings.load(url, key, config, os.environ))


for name, command in (
    ("submit", submit.submit),
    ("watch", watch.watch),
    ("list", runs.list_runs),
    ("show", runs.show),
    ("items", items.items),
    ("results", results.results),
    ("cancel", steer.cancel),
    ("suspend", steer.suspend),
    ("resume", steer.resume),
    ("redrive", steer.redrive),
    ("set", steer.set_limits),
    ("delete", steer.delete),
    ("workloads", workloads.workloads),
    ("schedules", schedules.schedules),
    ("rebuild-index", index.rebuild_index),
    ("doctor", doctor.doctor),
    ("new-workload", scaffold.new_workload),
):
    app.command(name)(command)
