"""The host to ask: the embedded one, another program, or one that runs already."""

import contextlib
import os
import sys
from collections.abc import Iterator
from pathlib import Path

from tests.support.hosts.host_process import EMBEDDED, running
from tests.support.services.azurite import running_azurite

APP = Path(__file__).with_name("app")
EMBEDDED_NAME = "embedded"
STORAGE = "AzureWebJobsStorage"


@contextlib.contextmanager
def host_at(where: str, folder: Path) -> Iterator[str]:
    """Have a host of the cases' app, empty and with its state in a folder; yield its address.

    Args:
        where: ``embedded``, the path of a program with the options of `python -m localhost start`,
            or the URL of one that runs already.
        folder: For its state and its log.
    """
    if where.startswith("http"):
        yield where
        return
    # Where activities count their attempts.
    environment = {"CONFORMANCE_MARKS": str(folder / "marks")}
    with contextlib.ExitStack() as exits:
        if where != EMBEDDED_NAME and not os.environ.get(STORAGE):
            environment[STORAGE] = exits.enter_context(running_azurite(folder))
        host = exits.enter_context(
            running(APP, folder, "--no-stack", environment=environment, command=_command(where))
        )
        yield host.origin


def _command(where: str) -> tuple[str, ...]:
    if where == EMBEDDED_NAME:
        return EMBEDDED
    path = Path(where).resolve()
    return (sys.executable, str(path)) if path.suffix == ".py" else (str(path),)
