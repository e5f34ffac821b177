"""Which files a package of the app has, by `.funcignore`, as azd reads it and as Git would.

azd reads the patterns by a library (denormal/go-gitignore) that differs from Git in one thing that
matters: in a pattern that begins with a slash and has no other, a star stands for slashes too.
"""

import fnmatch
import os
import re
import subprocess
from collections.abc import Iterator
from pathlib import Path, PurePosixPath


def packed_by_azd(root: Path) -> set[str]:
    """The files under `root` that azd would put into the package."""
    lines = (root / ".funcignore").read_text().splitlines()
    patterns = [line for line in lines if line and not line.startswith("#")]
    return set(_walked(root, root, patterns))


def packed_by_git(root: Path) -> set[str]:
    """The files under `root` that Git would not ignore if its patterns were those."""
    subprocess.run(["git", "init", "--quiet"], cwd=root, check=True)
    listed = subprocess.run(
        ["git", "ls-files", "-z", "--others", "--exclude-from", ".funcignore"],
        cwd=root,
        capture_output=True,
        check=True,
        text=True,
    )
    return {name for name in listed.stdout.split("\0") if name}


def _walked(folder: Path, root: Path, patterns: list[str]) -> Iterator[str]:
    with os.scandir(folder) as entries:
        for entry in entries:
            path = Path(entry.path).relative_to(root).as_posix()
            # azd leaves its own folder and file out before it asks the patterns.
            if _is_ignored(path, entry.is_dir(), patterns) or entry.name in (".azure", ".git"):
                continue
            if entry.is_dir():
                yield from _walked(Path(entry.path), root, patterns)
            elif entry.name != ".funcignore":
                yield path


def _is_ignored(path: str, is_folder: bool, patterns: list[str]) -> bool:
    for pattern in reversed(patterns):
        if _fits(pattern.removeprefix("!"), path, is_folder):
            return not pattern.startswith("!")
    return False


def _fits(pattern: str, path: str, is_folder: bool) -> bool:
    if pattern.endswith("/") and not is_folder:
        return False
    bare = pattern.strip("/")
    if "**" in bare:
        return re.fullmatch(_expression(bare), path) is not None
    if "/" in bare:
        raise ValueError(f"{pattern}: a path without '**' is not read here")
    of_whole_path = pattern.startswith("/")
    return fnmatch.fnmatchcase(path if of_whole_path else PurePosixPath(path).name, bare)


def _expression(pattern: str) -> str:
    """`a/**`, the one form that is used, matches `a` itself too."""
    before, slash, after = pattern.partition("/**")
    if not slash or after or "*" in before:
        raise ValueError(f"{pattern}: of '**' only 'folder/**' is read here")
    return f"{re.escape(before)}(/.*)?"
