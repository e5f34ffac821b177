"""Stand-ins for the programs `az` (Azure CLI) and `azd` (Azure Developer CLI).

They stand for the programs as a hook meets them: found on the PATH, given arguments, answering by
standard output, standard error and an exit code. What they would ask Azure they answer as a test
has laid down, in turn, or from a small directory that stands for Microsoft Graph. A call that
nobody laid an answer down for fails, and each call is recorded with the body that it sent.
"""

import json
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from tests.support.azure_programs.stand_in import take

ROOT = Path(__file__).parents[3]
STUB = """#!{python} -IS
import sys
sys.path.insert(0, {root!r})
from tests.support.azure_programs.stand_in import answer
sys.exit(answer({folder!r}, {program!r}, sys.argv[1:]))
"""


@dataclass(frozen=True)
class Call:
    """A call that a program took, and what the file had that was named as its body."""

    program: str
    arguments: list[str]
    body: Any

    @property
    def line(self) -> str:
        return " ".join([self.program, *self.arguments])


class Programs:
    """The stand-ins, in a folder that is the first on the PATH."""

    def __init__(self, folder: Path, patch: pytest.MonkeyPatch) -> None:
        self._folder = folder
        self._patch = patch
        self._answers: list[dict[str, Any]] = []
        (folder / "bin").mkdir(parents=True)
        # Nothing else is found there: no az that the machine happens to have.
        patch.setenv("PATH", str(folder / "bin"))

    def install(self, *programs: str) -> None:
        """Put programs on the PATH."""
        for program in programs:
            path = self._folder / "bin" / program
            values = {"python": sys.executable, "root": str(ROOT), "folder": str(self._folder)}
            path.write_text(STUB.format(program=program, **values))
            path.chmod(0o755)

    def stay_in_process(self) -> None:
        """Answer without starting anything: the same answers, and in no time."""
        self._patch.setattr("subprocess.run", self._run)

    def answer(self, pattern: str, *outputs: Any) -> None:
        """Lay down what is answered to lines that match: one after the other, then the last."""
        self._lay_down(pattern, [{"out": json.dumps(each), "code": 0} for each in outputs])

    def refuse(self, pattern: str, error: str, *then: Any) -> None:
        """Lay down that lines that match fail; with more, only the first does."""
        after = [{"out": json.dumps(each), "code": 0} for each in then]
        self._lay_down(pattern, [{"error": error, "code": 1}, *after])

    def calls(self, pattern: str = "") -> list[Call]:
        """What was asked, of lines that have a text in them."""
        path = self._folder / "calls.jsonl"
        lines = path.read_text().splitlines() if path.exists() else []
        return [
            call for call in (Call(**json.loads(line)) for line in lines) if pattern in call.line
        ]

    def _run(self, line: list[str], **_: Any) -> "subprocess.CompletedProcess[bytes]":
        turn = take(self._folder, Path(line[0]).name, line[1:])
        said = (turn.get("out", "").encode(), turn.get("error", "").encode())
        return subprocess.CompletedProcess(line, turn["code"], *said)

    def _lay_down(self, pattern: str, turns: list[dict[str, Any]]) -> None:
        self._answers.insert(0, {"pattern": pattern, "turns": turns, "given": 0})
        (self._folder / "answers.json").write_text(json.dumps(self._answers))
