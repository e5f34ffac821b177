"""The Python that workers run on, where it is not the host's own (`--python PATH`)."""

import shutil
import subprocess
import sys
from pathlib import Path

from localhost.execution.contract import AppLoadError

OLDEST = (3, 11)
ANSWER_SECONDS = 30.0
# What a worker needs before it can say anything itself.
_QUESTION = """
import sys
print("%d.%d.%d" % sys.version_info[:3])
import azure.functions
"""


def find_interpreter(text: str) -> Path:
    """Find the Python that a path, the folder of an environment or a name means.

    Args:
        text: A program (`.venv/3.12/bin/python`), the folder of a virtual environment, or a name on
            the PATH (`python3.12`).

    Returns:
        The program; a link is not followed, for a virtual environment is known by it.

    Raises:
        AppLoadError: There is none.
    """
    path = Path(text)
    for candidate in (path / "bin" / "python", path / "Scripts" / "python.exe", path):
        if candidate.is_file():
            return candidate.absolute()
    if found := shutil.which(text):
        return Path(found)
    raise AppLoadError(f"--python {text}: there is no such program, environment or name.")


def check_interpreter(python: Path) -> str:
    """Ask a Python whether a worker can run on it.

    Returns:
        Its version, such as `3.12.1`.

    Raises:
        AppLoadError: It does not start, is too old, or lacks `azure-functions`.
    """
    try:
        answer = subprocess.run(  # noqa: S603 - what the user named
            [python, "-c", _QUESTION],
            capture_output=True,
            check=False,
            text=True,
            errors="replace",
            timeout=ANSWER_SECONDS,
            stdin=subprocess.DEVNULL,
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        raise AppLoadError(f"--python {python}: it does not start: {error}") from error
    version, *_ = answer.stdout.split() or [""]
    problem = (answer.stderr.strip().splitlines() or ["it says nothing"])[-1]
    numbers = version.split(".")
    if len(numbers) != len(sys.version_info[:3]) or not all(n.isdecimal() for n in numbers):
        raise AppLoadError(f"--python {python}: it does not start: {problem}")
    if (int(numbers[0]), int(numbers[1])) < OLDEST:
        raise AppLoadError(
            f"--python {python}: it is Python {version}; a worker needs 3.11 or later."
        )
    if answer.returncode != 0:
        raise AppLoadError(
            f"--python {python}: a worker cannot start on it ({problem}). Install what the app "
            f"needs into its environment: {python} -m pip install -r requirements.txt"
        )
    return version
