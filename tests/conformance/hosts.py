"""The host to ask: the embedded one, another program, or one that runs already."""

import contextlib
import os
import sys
import uuid
from collections.abc import Iterator
from pathlib import Path

from tests.support import host_process

APP = Path(__file__).with_name("app")
EMBEDDED = "embedded"


@contextlib.contextmanager
def host_at(where: str, folder: Path) -> Iterator[str]:
    """Have a host of the cases' app, empty and with its state in a folder; yield its address.

    Args:
        where: ``embedded``, the path of a program with the options of `python -m localhost start`,
            or the URL of one that runs already.
    """
    if where.startswith("http"):
        yield where
        return
    # Files by which activities count their attempts.
    environment = {"CONFORMANCE_MARK": uuid.uuid4().hex}
    command = [sys.executable, "-m", "localhost", "start"]
    if where != EMBEDDED:
        path = str(Path(where).resolve())
        command = [sys.executable, path] if path.endswith(".py") else [path]
    with host_process.running(
        APP, folder, "--no-stack", environment=environment, command=command
    ) as host:
        yield f"http://127.0.0.1:{host.port}"


def storage_is_given() -> bool:
    """Whether the environment names the storage that a host other than the embedded one needs."""
    return bool(os.environ.get("AzureWebJobsStorage"))
