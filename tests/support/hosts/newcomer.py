"""The repository as a newcomer has it after `make setup`, and their shell."""

import os
import shutil
import subprocess
from pathlib import Path

ROOT = Path(__file__).parents[3]
LEFT_OUT = {".git", ".venv", "node_modules", ".localhost", ".demo", ".bench", ".hypothesis"}
# What setup has done, in its order; in the copy it is done, and nothing of ours is made anew.
STAMPS = (".venv/.setup", "node_modules/.setup", ".venv/.browser", ".venv/infra/.setup")


def copied_to(folder: Path) -> Path:
    """Copy the repository; what setup brings is linked."""
    copied = folder / "fanout"
    shutil.copytree(ROOT, copied, ignore=lambda _, names: LEFT_OUT & set(names))
    (copied / ".venv").mkdir()
    for made in (ROOT / ".venv").resolve().iterdir():
        if made.name not in ("infra", ".setup", ".browser"):
            (copied / ".venv" / made.name).symlink_to(made)
    for stamp in STAMPS:
        (copied / stamp).parent.mkdir(exist_ok=True)
        (copied / stamp).touch()
    return copied


def sh(commands: str, folder: Path, **environment: str) -> str:
    """Carry out commands; the first that fails fails the test."""
    known = {k: v for k, v in os.environ.items() if not k.startswith(("PYTEST_", "FANOUT_"))}
    known["WORKERS"] = "1"  # the tests of one file need no more
    done = subprocess.run(
        ["sh", "-e", "-c", commands],
        cwd=folder,
        env=known | environment,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout
