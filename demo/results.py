"""The result files of a run: their names, and the outcomes in them."""

import json
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from enum import Enum, auto
from typing import Any

from azure.storage.blob import BlobServiceClient

from demo.api import Api
from demo.storage import RUNS

Outcome = dict[str, Any]


class FileKind(Enum):
    """What a result file holds."""

    OUTCOMES = auto()
    DEAD_LETTERS = auto()
    ITEM_FILE = auto()
    REPORT = auto()


def file_kind(name: str) -> FileKind:
    """The kind of a result file, by its name."""
    if name.startswith("files/"):
        return FileKind.ITEM_FILE
    if name.startswith("DEAD-LETTERS"):
        return FileKind.DEAD_LETTERS
    return FileKind.OUTCOMES if name.endswith(".jsonl") else FileKind.REPORT


def result_blob(run_id: str, name: str) -> str:
    """The blob of a result file in the container of runs."""
    return f"{run_id}/results/{name}"


def read_outcomes(storage: BlobServiceClient, api: Api, run_id: str) -> list[Outcome]:
    """Read the outcomes of all items, in the order of the files."""
    container = storage.get_container_client(RUNS)
    names = [file["name"] for file in api.results(run_id)["files"]]
    return [
        json.loads(line)
        for name in names
        if file_kind(name) is FileKind.OUTCOMES
        for line in container.download_blob(result_blob(run_id, name)).readall().splitlines()
    ]


@dataclass(frozen=True)
class ErrorGroup:
    """The outcomes that failed with one type of error; the first is the example."""

    error_type: str
    count: int
    example: Outcome


def group_errors(outcomes: Iterable[Outcome]) -> list[ErrorGroup]:
    """Group the outcomes that did not succeed by the type of their error, the largest first."""
    counts: Counter[str] = Counter()
    examples: dict[str, Outcome] = {}
    for outcome in outcomes:
        if outcome["status"] != "succeeded":
            error_type = outcome["error"]["type"]
            counts[error_type] += 1
            examples.setdefault(error_type, outcome)
    return [ErrorGroup(kind, count, examples[kind]) for kind, count in counts.most_common()]
