"""Runs `az` and `azd`, and asks Azure's APIs by `az rest`.

Nothing secret goes on a command line, which others on the machine can read: what is sent goes by a
file that only its owner may read.
"""

import json
import re
import shutil
import subprocess
import tempfile
from pathlib import Path
from typing import Any

GRAPH = "https://graph.microsoft.com/v1.0"
# The key that Event Grid's answers quote with the address of a subscriber.
_KEY = re.compile(r"(code=)[^&\s\"']+")
_MISSING = re.compile(r"Not ?Found|does not (exist|reference)", re.IGNORECASE)
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
        encoding="utf-8",
        stdin=subprocess.DEVNULL,
    )
    if done.returncode:
        said = _KEY.sub(r"\1***", done.stderr.strip() or done.stdout.strip())
        raise ProgramError(f"{program} {arguments[0]} failed: {said[:MAX_ERROR_CHARACTERS]}")
    return done.stdout


def az(*arguments: str) -> Any:
    """Run `az` and read its answer.

    Raises:
        ProgramError: It is not there, nobody is signed in, or it failed.
    """
    return _parse(run("az", *arguments, "--output", "json", "--only-show-errors"))


def call(method: str, url: str, body: Any = None, *, query: str = "") -> Any:
    """Ask Azure Resource Manager (a path) or Microsoft Graph (a URL).

    Args:
        method: get, post, put, patch.
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


def _parse(text: str) -> Any:
    try:
        return json.loads(text) if text.strip() else None
    except ValueError as error:
        raise ProgramError(f"az answered what is no JSON: {text[:80]!r}") from error
