"""Microsoft's compiler takes the templates without a warning, where there is a compiler."""

import os
import re
import shutil
import subprocess
from pathlib import Path

import pytest

from tests.support.infra_files import ROOT

SCRIPT = ROOT / ".ci" / "bicep"
CLEAN = 'while [ $# -gt 1 ]; do shift; if [ "$1" = --outfile ]; then echo "{}" > "$2"; fi; done'
WARNING = "infra/main.bicep(295,41) : Warning BCP318: The value of type 'module | null' may be null"


def compiled(bicep: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [SCRIPT],
        env=os.environ | {"BICEP": bicep},
        capture_output=True,
        text=True,
        check=False,
    )


def stand_in(folder: Path, body: str) -> str:
    """In place of the compiler; the warning is one that 0.49.2 gave of these templates."""
    program = folder / "bicep"
    program.write_text(f"#!/usr/bin/env bash\n{body}\n")
    program.chmod(0o755)
    return str(program)


@pytest.mark.skipif(shutil.which("bicep") is None, reason="no Bicep compiler on the PATH")
def test_the_templates_compile_and_lint_without_a_warning():
    done = compiled(shutil.which("bicep") or "")
    assert done.returncode == 0, done.stdout + done.stderr


def test_what_compiles_without_a_word_passes(tmp_path: Path):
    done = compiled(stand_in(tmp_path, CLEAN))
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.parametrize(
    "said",
    [
        f'echo "{WARNING}" >&2',
        f'if [ "$1" = lint ]; then echo "{WARNING}"; fi',
        'echo "WARNING: The following experimental Bicep features have been enabled" >&2',
        'echo "infra/main.bicep(1,1) : Error BCP018: Expected a character" >&2',
    ],
)
def test_a_warning_fails_although_the_compiler_does_not(said: str, tmp_path: Path):
    assert compiled(stand_in(tmp_path, f"{said}\n{CLEAN}")).returncode == 1


@pytest.mark.parametrize("body", ["exit 1", "true", f'[ "$1" != lint ] || exit 1\n{CLEAN}'])
def test_a_compiler_that_fails_or_writes_nothing_fails(body: str, tmp_path: Path):
    assert compiled(stand_in(tmp_path, body)).returncode == 1


def test_where_there_is_no_compiler_it_says_which_to_install():
    done = compiled("no-such-compiler")
    assert done.returncode == 2
    version = subprocess.run(
        [SCRIPT, "--version"], capture_output=True, text=True, check=True
    ).stdout.strip()
    assert re.fullmatch(r"v\d+\.\d+\.\d+", version)
    assert f"az bicep install --version {version}" in done.stdout
