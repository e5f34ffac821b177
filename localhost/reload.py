"""Noticing that an app's files have changed (`--reload`)."""

import asyncio
import contextlib
import os
from collections.abc import Mapping
from pathlib import Path

SUFFIXES = {".py"}
NAMES = {"host.json", "local.settings.json"}
LEFT_OUT = {".venv", "venv", "node_modules", "__pycache__", ".localhost", ".git", "tests"}
LOOK_EVERY_SECONDS = 1.0
UNREADABLE = (FileNotFoundError, NotADirectoryError, PermissionError)

Stamps = Mapping[Path, float]


def stamps(folder: Path) -> Stamps:
    """The files that make up an app, and when each was last written."""
    times: dict[Path, float] = {}
    pending = [folder]
    while pending:
        # Editors make and remove files all the time: one that is gone by now does not count,
        # nor does one that the host could not read.
        with contextlib.suppress(*UNREADABLE):
            for entry in list(os.scandir(pending.pop())):
                if entry.is_dir(follow_symlinks=False):
                    if entry.name not in LEFT_OUT:
                        pending.append(Path(entry.path))
                elif _is_watched(entry.name):
                    with contextlib.suppress(*UNREADABLE):
                        times[Path(entry.path)] = entry.stat().st_mtime
    return times


def _is_watched(name: str) -> bool:
    return name in NAMES or Path(name).suffix in SUFFIXES


async def wait_for_change(folder: Path, known_stamps: Stamps) -> list[Path]:
    """Wait until files of an app differ from what was known, and name them."""
    while True:
        await asyncio.sleep(LOOK_EVERY_SECONDS)
        now = await asyncio.to_thread(stamps, folder)
        if now != known_stamps:
            files = known_stamps.keys() | now.keys()
            return sorted(file for file in files if known_stamps.get(file) != now.get(file))
