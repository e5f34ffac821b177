"""What a stand-in of `az` or `azd` does when it is called."""

import json
import re
import stat
import sys
from pathlib import Path
from typing import Any

from tests.support.azure_programs.directory import Directory

GRAPH = "https://graph.microsoft.com/v1.0/"


def answer(folder: str, program: str, arguments: list[str]) -> int:
    """Record a call and answer it; return the exit code."""
    turn = take(Path(folder), program, arguments)
    sys.stdout.write(turn.get("out", ""))
    sys.stderr.write(turn.get("error", ""))
    return int(turn["code"])


def take(place: Path, program: str, arguments: list[str]) -> dict[str, Any]:
    """Record a call and return what it is to write, and its exit code."""
    body = _body(arguments)
    record = {"program": program, "arguments": arguments, "body": body}
    with (place / "calls.jsonl").open("a") as calls:
        calls.write(json.dumps(record) + "\n")
    line = " ".join([program, *arguments])
    turn = _laid_down(place, line)
    if turn is None and GRAPH in line:
        turn = Directory(place / "directory.json").answer(arguments, body)
    if turn is None:
        turn = {"error": f"nobody laid down an answer to: {line}", "code": 3}
    return turn


def _body(arguments: list[str]) -> Any:
    """The body of `az rest`, which must be in a file that nobody else may read."""
    if "--body" not in arguments:
        return None
    path = Path(arguments[arguments.index("--body") + 1].removeprefix("@"))
    if stat.S_IMODE(path.stat().st_mode) & 0o077:
        raise PermissionError(f"others may read {path}")
    return json.loads(path.read_text())


def _laid_down(place: Path, line: str) -> dict[str, Any] | None:
    path = place / "answers.json"
    answers = json.loads(path.read_text()) if path.exists() else []
    for each in answers:
        if re.search(each["pattern"], line):
            turns = each["turns"]
            turn: dict[str, Any] = turns[min(each["given"], len(turns) - 1)]
            each["given"] += 1
            path.write_text(json.dumps(answers))
            return turn
    return None
