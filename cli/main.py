"""The process `fanout`: how it ends, whatever happens to it."""

import sys

from cli.errors import ApiError, CommandError
from cli.outcomes import FAILED, INTERRUPTED
from cli.printable import make_visible
from cli.streams import guard_streams, print_json


def main() -> None:
    """Carry out the command line; print an error and exit with 1 where it fails."""
    try:
        guard_streams()
        _run()
    except KeyboardInterrupt:
        sys.exit(INTERRUPTED)


def _run() -> None:
    # It takes half a second to load, in which somebody may press Ctrl-C.
    from cli.app import app

    try:
        app()
    except CommandError as error:
        _print_error(error)
        sys.exit(FAILED)
    except OSError as error:  # of a file, for those of the network are told by the client
        place = f"'{error.filename}': " if error.filename else ""
        _print_error(CommandError(f"{place}{error.strerror or error}."))
        sys.exit(FAILED)
    finally:
        sys.stdout.flush()


def _print_error(error: CommandError) -> None:
    if "--json" in sys.argv and isinstance(error, ApiError) and error.problem:
        print_json(error.problem, sys.stderr)
        return
    import typer

    text = make_visible(str(error))
    coloured = typer.style(text, fg=typer.colors.RED) if sys.stderr.isatty() else text
    sys.stderr.write(f"{coloured}\n")
