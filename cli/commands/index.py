"""The command `rebuild-index`: has the list of runs made anew from the runs themselves."""

import typer

from cli import formats
from cli.session import AsJson, get_session
from cli.streams import print_json

COUNTS = ("looked_at", "written", "dropped")


def rebuild_index(context: typer.Context, *, json: AsJson = False) -> None:
    """Make the list of runs anew from what is in storage; runs may go on meanwhile.

    Only after tables were lost or restored, or if the list is wrong: it repairs itself otherwise.

    Example: [bold]fanout rebuild-index[/]
    """
    session = get_session(context)
    total = dict.fromkeys(COUNTS, 0)
    continuation = None
    while True:
        part = session.api.post("index/rebuild", continuation=continuation)
        for name in COUNTS:
            total[name] += part[name]
        continuation = part["continuation"]
        if continuation is None:
            break
    if json:
        print_json(total)
        return
    written, dropped = formats.count(total["written"]), formats.count(total["dropped"])
    session.out.print(f"The list is made anew: {written} entries written, {dropped} dropped.")
