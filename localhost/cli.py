"""The command line: `python -m localhost start`."""

import argparse
import asyncio
import logging
import os
import sys
from collections.abc import Sequence
from pathlib import Path

from localhost import logs, store_cli
from localhost.durable.storage.schema import StoreError
from localhost.faults import Faults, FaultsError
from localhost.host import Options
from localhost.serving import serve

DATA_FOLDER = ".localhost"


def main(words: Sequence[str] | None = None) -> int:
    """Run a command and return the exit code."""
    parser = _parser()
    arguments = parser.parse_args(words)
    if hasattr(arguments, "run"):
        return _run_store_command(arguments)
    if arguments.reload and arguments.workers == 0:
        parser.error("--reload starts new worker processes, and --workers 0 has none")
    if arguments.python and arguments.workers == 0:
        parser.error("--python is for worker processes, and --workers 0 has none")
    logs.configure(logging.DEBUG if arguments.verbose else logging.INFO)
    # A library's chatter is not the host's.
    for library in ("asyncio", "azure"):
        logging.getLogger(library).setLevel(logging.WARNING)
    app_dir = arguments.app.resolve()
    try:
        faults = Faults.from_option(arguments.faults) if arguments.faults else None
    except FaultsError as error:
        print(error, file=sys.stderr)
        return 1
    if faults is not None:
        logging.getLogger(__name__).warning(faults.announcement())
    options = Options(
        app_dir=app_dir,
        data_dir=(arguments.data or app_dir / DATA_FOLDER).resolve(),
        port=arguments.port,
        worker_count=arguments.workers,
        has_stack=arguments.stack,
        has_auth=arguments.auth,
        faults=faults,
        skips_unserved=arguments.skip_unserved,
        python=arguments.python,
    )
    return asyncio.run(serve(options, reload=arguments.reload))


def _run_store_command(arguments: argparse.Namespace) -> int:
    """Run a command that looks into a store."""
    try:
        code = int(arguments.run(arguments))
        sys.stdout.flush()
    except StoreError as error:
        print(error, file=sys.stderr)
        return 1
    except BrokenPipeError:
        # Whoever read it (`| head`) has seen enough; the interpreter must not flush to it again.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0
    return code


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m localhost",
        description="The embedded Functions host, for development and tests.",
    )
    commands = parser.add_subparsers(required=True, metavar="COMMAND")
    start = commands.add_parser("start", help="serve a function app until Ctrl-C")
    _add_places(start)
    _add_services(start)
    start.add_argument("--verbose", action="store_true", help="log what the host does")
    store_cli.add_commands(commands)
    return parser


def _add_places(start: argparse.ArgumentParser) -> None:
    """Add the options that say where: the app, its port, its data."""
    start.add_argument(
        "--app",
        type=Path,
        default=Path(),
        metavar="DIR",
        help="the folder of the app (default: this one)",
    )
    start.add_argument(
        "--port",
        "-p",
        type=_port,
        help="the port of its HTTP functions, 0 for any free one (default: "
        "Host.LocalHttpPort of local.settings.json, else 7071)",
    )
    start.add_argument(
        "--data",
        type=Path,
        metavar="DIR",
        help=f"where state is kept (default: {DATA_FOLDER} in the app)",
    )


def _add_services(start: argparse.ArgumentParser) -> None:
    """Add the options that say what runs, and how."""
    start.add_argument(
        "--workers",
        type=_count,
        metavar="N",
        help="how many processes run user code; 0: the host's own, for a debugger "
        "(default: FUNCTIONS_WORKER_PROCESS_COUNT, else 1)",
    )
    start.add_argument(
        "--python",
        metavar="PATH",
        help="the Python of those processes, or the folder of its environment, with packages of "
        "its own (default: that of the host)",
    )
    start.add_argument(
        "--no-stack",
        dest="stack",
        action="store_false",
        help="start no storage emulator, broker or mail sink",
    )
    start.add_argument(
        "--auth",
        action="store_true",
        help="ask for keys, which are in keys.json of the data folder",
    )
    start.add_argument(
        "--skip-unserved",
        action="store_true",
        help="leave out functions with bindings that this host does not serve, and list them",
    )
    start.add_argument(
        "--reload", action="store_true", help="start again when files of the app change"
    )
    start.add_argument(
        "--faults",
        metavar="FILE|torn=P",
        help="disturb turns, activities, workers and storage as the file says; "
        "torn=P: have a share P of the turns of orchestrators and entities "
        "send their messages, lose their state and run again",
    )


def _port(text: str) -> int:
    port = int(text)
    if not 0 <= port <= 65_535:
        raise ValueError(text)
    return port


def _count(text: str) -> int:
    count = int(text)
    if count < 0:
        raise ValueError(text)
    return count
