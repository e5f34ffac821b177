"""What the app registers, listed in a process of its own: under these settings and no others."""

import os
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[3]


def listed(code: str, **settings: str) -> list[str]:
    """The lines that a piece of Python prints, run where `function_app` can be imported."""
    done = subprocess.run(
        [sys.executable, "-c", code],
        cwd=ROOT,
        env={**os.environ, "FANOUT_STORAGE": "UseDevelopmentStorage=true", **settings},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout.splitlines()
