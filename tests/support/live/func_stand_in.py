"""What `func start --port N` is in `.ci/core-tools` where there are no Core Tools: our own host.

`FUNC="python tests/support/live/func_stand_in.py" .ci/core-tools` tries the steps of the workflow.
"""

import os
import sys
from pathlib import Path

ROOT = Path(__file__).parents[3]


def main() -> None:
    """Become the embedded host of the app in this folder, with state beside that of the script."""
    command, *rest = sys.argv[1:]
    if command != "start":
        sys.exit(f"the stand-in has no command '{command}'")
    words = ["-m", "localhost", "start", "--app", str(Path.cwd()), "--no-stack"]
    data = str(Path(os.environ["CORE_TOOLS_FOLDER"], "data"))
    # Not by PYTHONPATH, which comes before the folder of an app: the root's script would hide its.
    os.chdir(ROOT)
    os.execv(sys.executable, [sys.executable, *words, "--data", data, *rest])


if __name__ == "__main__":
    main()
