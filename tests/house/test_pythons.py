"""Which Python `make` takes, and which others the tests run on."""

import os
import re
import shutil
import subprocess
import sys
import tomllib
from pathlib import Path

ROOT = Path(__file__).parents[2]
FINDER = ROOT / ".ci" / "python"
OWN = f"{sys.version_info.major}.{sys.version_info.minor}"
TOOLS = (
    "sh",
    "bash",
    "env",
    "dirname",
    "mktemp",
    "rm",
    "grep",
    "sed",
    "cat",
    "test",
    "touch",
    "make",
)
SHIM = "#!/bin/sh\nexit 127\n"


def versions() -> list[str]:
    listed = [str(FINDER), "--versions"]
    return subprocess.run(listed, capture_output=True, check=True, text=True).stdout.split()


def write_program(path: Path, text: str) -> None:
    path.write_text(text)
    path.chmod(0o755)


def write_python(path: Path, version: str) -> None:
    """Write what answers the finder's question as a Python of a version would."""
    write_program(path, f'#!/bin/sh\n[ "$3" = {version} ]\n')


def run(words: list[str], folder: Path, cwd: Path = ROOT, **environment: str) -> tuple[int, str]:
    """Run a program that finds nothing but what lies in a folder."""
    done = subprocess.run(
        words,
        cwd=cwd,
        env={"PATH": str(folder), "HOME": str(folder), **environment},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
    )
    return done.returncode, done.stdout


def test_the_newest_that_starts_is_taken(tmp_path: Path):
    write_program(tmp_path / "python3.13", SHIM)
    write_python(tmp_path / "python3.12", "3.12")
    write_python(tmp_path / "python3.11", "3.11")
    assert run([str(FINDER)], tmp_path) == (0, f"{tmp_path}/python3.12\n")


def test_a_plain_python3_of_such_a_version_is_found_and_one_that_lies_about_its_name_is_not(
    tmp_path: Path,
):
    write_python(tmp_path / "python3.13", "3.14")
    write_python(tmp_path / "python3", "3.11")
    assert run([str(FINDER)], tmp_path) == (0, f"{tmp_path}/python3\n")


def test_without_any_it_says_what_to_do(tmp_path: Path):
    write_program(tmp_path / "python3.12", SHIM)
    write_python(tmp_path / "python3", "3.9")
    code, text = run([str(FINDER)], tmp_path)
    assert code == 1
    for word in ("3.11", "3.13", "apt-get install", "brew install", "PYTHON=PATH"):
        assert word in text


def test_python_overrides_and_is_refused_where_it_does_not_start(tmp_path: Path):
    write_python(tmp_path / "python3.13", "3.13")
    write_python(tmp_path / "other", "3.11")
    write_program(tmp_path / "shim", SHIM)
    assert run([str(FINDER)], tmp_path, PYTHON="other") == (0, f"{tmp_path}/other\n")
    code, text = run([str(FINDER)], tmp_path, PYTHON=str(tmp_path / "shim"))
    assert (code, "shim is no Python 3.11, 3.12 or 3.13" in text) == (1, True)


def test_pyenv_is_searched_for_a_version_that_is_asked_for(tmp_path: Path):
    home = tmp_path / ".pyenv" / "versions" / "3.12.1" / "bin"
    home.mkdir(parents=True)
    write_python(home / "python", "3.12")
    write_program(tmp_path / "python3.12", SHIM)
    assert run([str(FINDER), "3.12"], tmp_path) == (0, f"{home}/python\n")
    assert run([str(FINDER), "3.13"], tmp_path)[0] == 1


def tools(folder: Path) -> Path:
    folder.mkdir()
    for name in TOOLS:
        found = shutil.which(name)
        assert found, name
        (folder / name).symlink_to(found)
    return folder


def test_make_keeps_an_environment_that_exists_and_makes_one_with_what_is_found(tmp_path: Path):
    folder, clone = tools(tmp_path / "bin"), tmp_path / "clone"
    (clone / ".ci").mkdir(parents=True)
    shutil.copy(FINDER, clone / ".ci" / "python")
    for path in (ROOT / "Makefile", *ROOT.glob("requirements*.txt")):
        shutil.copy(path, clone)
    (folder / "mkdir").symlink_to(shutil.which("mkdir") or "")
    makes = 'mkdir -p "$3/bin" && for n in python pip; do ln -s /bin/true "$3/bin/$n"; done'
    (folder / "ln").symlink_to(shutil.which("ln") or "")
    (folder / "true").symlink_to(shutil.which("true") or "")
    write_program(
        folder / "python3.12",
        f'#!/bin/sh\nif [ "$1" = -m ]; then {makes}; else [ "$3" = 3.12 ]; fi\n',
    )
    assert run(["make", ".venv/.setup"], folder, clone)[0] == 0
    assert (clone / ".venv" / "bin" / "python").is_symlink()
    write_program(folder / "python3.12", SHIM)
    os.utime(clone / "requirements.txt")
    code, text = run(["make", ".venv/.setup"], folder, clone)
    assert code == 0, text
    shutil.rmtree(clone / ".venv")
    code, text = run(["make", ".venv/.setup"], folder, clone)
    assert code != 0
    assert "apt-get install" in text


def test_a_python_that_is_not_here_is_named_and_left_out(tmp_path: Path):
    folder = tools(tmp_path / "bin")
    code, text = run([str(ROOT / ".ci/test-pythons")], folder, DEFAULT_PYTHON=sys.executable)
    missing = re.findall(r"^Python (\S+): not on this machine", text, re.M)
    assert (code, missing) == (0, [each for each in versions() if each != OWN]), text


def test_all_that_names_the_versions_names_the_same():
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())
    oldest = versions()[-1]
    after = int(versions()[0].partition(".")[2]) + 1
    assert project["project"]["requires-python"] == f">={oldest},<3.{after}"
    # What is written for the oldest runs on all.
    assert project["tool"]["mypy"]["python_version"] == oldest
    assert project["tool"]["ruff"]["target-version"] == "py" + oldest.replace(".", "")
    for page in ("README.md", "docs/quickstart.md"):
        assert "Python 3.11, 3.12 or 3.13" in (ROOT / page).read_text()


def test_ci_runs_the_other_pythons_after_the_default():
    lanes = re.findall(r"^lane (\S+)", (ROOT / ".ci" / "run").read_text(), re.M)
    assert lanes[:2] == ["test", "test-pythons"]
