"""Which files a package of the app has: as azd makes it after our hook, and by Git's reading."""

import os
import subprocess
from collections.abc import Iterator
from pathlib import Path

from infra.scripts.prepackage import assemble


def packed_by_azd(root: Path) -> set[str]:
    """The files that azd would put into the package, once the hook has made its folder.

    Which files an ignore file keeps back there depends on the version of azd, so there is none.
    """
    folder = assemble(root, {})
    if (folder / ".funcignore").exists():
        raise ValueError("versions of azd differ in what they make of an ignore file")
    return set(_walked(folder, folder))


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


def _walked(folder: Path, root: Path) -> Iterator[str]:
    """What azd takes of a folder of Python without an ignore file."""
    with os.scandir(folder) as entries:
        for entry in entries:
            path = Path(entry.path)
            if entry.is_dir():
                is_left = entry.name in (".azure", "__pycache__") or (path / "pyvenv.cfg").exists()
                yield from () if is_left else _walked(path, root)
            elif entry.name != "local.settings.json":
                yield path.relative_to(root).as_posix()
