"""Noticing that an app's files have changed (`--reload`)."""

import asyncio
from collections.abc import Mapping
from pathlib import Path

SUFFIXES = {".py"}
NAMES = {"host.json", "local.settings.json"}
LEFT_OUT = {".venv", "venv", "node_modules", "__pycache__", ".localhost", ".git", "tests"}
LOOK_EVERY_SECONDS = 1.0

Stamps = Mapping[Path, float]


def stamps(folder: Path) -> Stamps:
    """The files that make up an app, and when each was last written."""
    found: dict[Path, float] = {}
    pending = [folder]
    while pending:
        for entry in pending.pop().iterdir():
            if entry.is_dir():
                if entry.name not in LEFT_OUT and not entry.is_symlink():
                    pending.append(entry)
            elif entry.suffix in SUFFIXES or entry.name in NAMES:
                found[entry] = entry.stat().st_mtime
    return found


async def changed(folder: Path, known: Stamps) -> list[Path]:
    """Wait until files of an app differ from what was known, and name them."""
    while True:
        await asyncio.sleep(LOOK_EVERY_SECONDS)
        now = await asyncio.to_thread(stamps, folder)
        if now != known:
            files = known.keys() | now.keys()
            return sorted(file for file in files if known.get(file) != now.get(file))
