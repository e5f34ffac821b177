"""The page of the command line has every command, option and exit code, and no other."""

import re
from pathlib import Path

import typer

from cli.app import app
from cli.outcomes import EXIT_CODES, INTERRUPTED
from cli.streams import CLOSED_PIPE

PAGE = (Path(__file__).parents[2] / "docs" / "cli.md").read_text()
ROW = re.compile(r"^\| `([\w-]+)` \| ((?:`--[\w-]+` ?)+) \| [^|]+ \|$", re.M)


def test_every_command_is_there_with_all_its_options():
    group = typer.main.get_command(app)
    commands = group.commands  # type: ignore[attr-defined]
    found = {
        name: {flag for option in command.params for flag in option.opts if flag.startswith("--")}
        - {"--help"}
        for name, command in commands.items()
    }
    assert {name: set(re.findall(r"--[\w-]+", row)) for name, row in ROW.findall(PAGE)} == found


def test_every_exit_code_is_there():
    told = set(map(int, re.findall(r"^\| (\d+) \|", PAGE, re.M)))
    assert told == {*EXIT_CODES.values(), 1, 2, INTERRUPTED, CLOSED_PIPE}


def test_every_global_option_is_there():
    group = typer.main.get_command(app)
    ours = {flag for option in group.params for flag in option.opts} - {
        "--help",
        "-h",
        "--install-completion",
        "--show-completion",
    }
    table = PAGE.split("## Commands")[0]
    assert set(re.findall(r"^\| `(--\w+)` \|", table, re.M)) == ours
