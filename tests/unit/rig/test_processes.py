"""A program whose port another had bound and not yet opened is started again; no other is."""

import sys
from pathlib import Path

import pytest

from rig.processes import PORT_TAKEN, STARTS, Restartable

# It ends with these words for so many lives, and is up in the next.
PROGRAM = """
import pathlib, sys, time
folder, words, ends = pathlib.Path(sys.argv[1]), sys.argv[2], int(sys.argv[3])
(folder / "lives").open("a").write("1")
if len((folder / "lives").read_text()) <= ends:
    sys.exit(words + "\\n  at a line of a long trace" * 400)
(folder / "ready").touch()
time.sleep(60)
"""


def program(folder: Path, words: str, ends: int) -> Restartable:
    """A program that ends with these words for so many lives."""
    line = [sys.executable, "-c", PROGRAM, str(folder), words, str(ends)]
    return Restartable("program", line, folder / "log", (folder / "ready").exists)


def lives(folder: Path) -> int:
    """How often it was started."""
    return len((folder / "lives").read_text())


def test_a_program_that_met_another_at_its_port_is_started_again(tmp_path: Path):
    found = program(tmp_path, PORT_TAKEN, STARTS - 1)
    found.start()
    assert found.is_running
    found.kill()
    assert lives(tmp_path) == STARTS


def test_a_port_that_stays_taken_is_told(tmp_path: Path):
    with pytest.raises(AssertionError, match="program does not start"):
        program(tmp_path, PORT_TAKEN, STARTS).start()
    assert lives(tmp_path) == STARTS


def test_a_program_that_ends_for_another_reason_is_not_started_again(tmp_path: Path):
    (tmp_path / "log").write_text(f"of an earlier life: {PORT_TAKEN}\n")
    with pytest.raises(AssertionError, match="a long trace"):
        program(tmp_path, "no app here", 1).start()
    assert lives(tmp_path) == 1
