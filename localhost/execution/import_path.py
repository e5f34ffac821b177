"""Where user code's modules are found, in the order of the Functions worker.

First what `PYTHONPATH` names, then Python's own modules and those that are installed, and last the
folder of the app. A module of the app with the name of an installed one is never found: in Azure
neither, so that it is better known here.
"""

import importlib
import os
import site
import sys
from collections.abc import Mapping
from pathlib import Path

PYTHON_PATH = "PYTHONPATH"
_HOST_FOLDER = str(Path(__file__).parents[2])
# A process may load one app after another: the host's own with `--workers 0`.
_earlier_folders: set[str] = set()


def resolve_python_path(environment: Mapping[str, str], app_dir: Path) -> list[str]:
    """The folders that `PYTHONPATH` names; relative ones are meant from the folder of the app."""
    text = environment.get(PYTHON_PATH, "")
    return [os.path.normpath(app_dir / folder) for folder in text.split(os.pathsep)] if text else []


def arrange_import_path(app_dir: Path, environment: Mapping[str, str]) -> None:
    """Set `sys.path` for user code; what belongs to this host alone comes behind the app."""
    first = resolve_python_path(environment, app_dir)
    last = [str(app_dir)]
    if _HOST_FOLDER not in (*site.getsitepackages(), site.getusersitepackages()):
        last.append(_HOST_FOLDER)
    moved = {*last, *_earlier_folders}
    # An empty entry is the folder of the process.
    between = [folder for folder in sys.path if str(Path(folder).absolute()) not in moved]
    _earlier_folders.add(str(app_dir))
    sys.path[:] = dict.fromkeys([*first, *between, *last])
    importlib.invalidate_caches()
