"""Runs `az` and `azd`, and asks Azure's APIs by `az rest`.

Nothing secret goes on a command line, which others on the machine can read: what is sent goes by a
file that only its owner may read.
"""

import io
import json
import locale
import re
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

GRAPH = "https://graph.microsoft.com/v1.0"
# The key that Event Grid's answers quote with the address of a subscriber.
_KEY = re.compile(r"(code=)[^&\s\"']+")
# By code or, for budgets, by the status of the answer. A subscription or a tenant that is not found
# is another matter: `az` is signed in elsewhere.
_MISSING = re.compile(
    r"\b(Request_)?Resource(Group)?NotFound\b"
    r"|does not reference a valid application"
    r"|Not Found\((?!.*SubscriptionNotFound)",
    re.DOTALL,
)
MAX_ERROR_CHARACTERS = 1000


class ProgramError(Exception):
    """A program is not there, or did not do what it was asked."""

    @property
    def is_missing(self) -> bool:
        """Whether Azure knows nothing of what was asked for."""
        return _MISSING.search(str(self)) is not None


def run(program: str, *arguments: str) -> str:
    """Run a program to its end and return what it wrote.

    Raises:
        ProgramError: It is not on the PATH, or it failed.
    """
    path = shutil.which(program)
    if path is None:
        raise ProgramError(f"{program} is not on the PATH")
    done = subprocess.run(  # noqa: S603  az and azd, with arguments of ours
        [path, *arguments],
        capture_output=True,
        check=False,
        stdin=subprocess.DEVNULL,
    )
    if done.returncode:
        said = _KEY.sub(r"\1***", _decode(done.stderr.strip() or done.stdout.strip()))
        raise ProgramError(f"{program} {arguments[0]} failed: {said[:MAX_ERROR_CHARACTERS]}")
    return _decode(done.stdout)


def az(*arguments: str) -> Any:
    """Run `az` and read its answer.

    Raises:
        ProgramError: It is not there, nobody is signed in, or it failed.
    """
    return _parse(run("az", *arguments, "--output", "json", "--only-show-errors"))


def call(method: str, url: str, body: Any = None, *, query: str = "") -> Any:
    """Ask Azure Resource Manager (a path) or Microsoft Graph (a URL).

    Args:
        method: get, post, put, patch, delete.
        url: Where; a path is of the resource manager of the cloud that `az` is signed in to.
        body: What to send.
        query: One more parameter of the query, name=value.

    Raises:
        ProgramError: It was refused, or nobody could be asked.
    """
    arguments = ["rest", "--method", method, "--url", url]
    if query:
        arguments += ["--url-parameters", query]
    if body is None:
        return az(*arguments)
    # On Windows a file cannot be opened twice, so it is closed before az reads it.
    with tempfile.NamedTemporaryFile("w", suffix=".json", delete=False, encoding="utf-8") as file:
        json.dump(body, file)
    try:
        return az(*arguments, "--body", f"@{file.name}")
    finally:
        Path(file.name).unlink()


def store(environment: str, name: str, value: str) -> None:
    """Keep a value in an environment of azd.

    Raises:
        ProgramError: azd is not there, or knows no such environment.
    """
    run("azd", "env", "set", name, value, "--environment", environment)


def bear_any_text() -> None:
    """Let what Azure says be printed where the terminal lacks its letters."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")


def _decode(data: bytes) -> str:
    """Read an answer: `az` writes it to a pipe in the code page of Windows.

    Nothing else is put for a letter as long as it can be read, for some answers are sent back.
    """
    try:
        text = data.decode()
    except UnicodeDecodeError:
        text = data.decode(locale.getencoding(), errors="replace")
    return text.replace("\r\n", "\n")


def _parse(text: str) -> Any:
    try:
        return json.loads(text) if text.strip() else None
    except ValueError as error:
        raise ProgramError(f"az answered what is no JSON: {text[:80]!r}") from error
