"""Dead letters: every item given up on, with its error, the item itself and how to redrive it."""

from collections.abc import Iterator
from itertools import repeat
from typing import Any

from pydantic_core import from_json, to_json

from activities.batches.cut_reader import read_cut
from fanout.adapters.run_files.files import RunFiles
from fanout.adapters.sources.blobs import BrokenSourceError
from fanout.errors import SourceChangedError
from fanout.models.outcome import GIVEN_UP
from fanout.models.plan import Cut
from fanout.models.request import RunRequest
from fanout.outcomes.lines import status_of
from fanout.records import Chunk, Record
from fanout.splitting.bounds import raw_records
from fanout.splitting.records import parse_records


def dead_letters(
    files: RunFiles, run_id: str, request: RunRequest, cut: Cut, lines: bytes
) -> Iterator[bytes]:
    """Write a line for each item of a batch given up on, with few items in memory at a time.

    Args:
        files: Where the run is kept.
        run_id: The run.
        request: What it is to do.
        cut: Where the batch is in the source.
        lines: The outcomes of the batch.
    """
    items = _Items(files, run_id, request, cut)
    for index, outcome in _outcomes_given_up(lines):
        letter = {
            "index": index,
            "status": outcome["status"],
            "item_id": outcome["item_id"] if outcome.get("count", 1) == 1 else str(index),
            "attempts": outcome["attempts"],
            "error": outcome["error"],
            **items.find(index),
            "redrive": _redrive(run_id, outcome),
        }
        yield to_json(letter) + b"\n"


def _redrive(run_id: str, outcome: dict[str, Any]) -> dict[str, Any]:
    """How to try such items again, or to undo them, once the cause is mended."""
    body = {"error_types": [outcome["error"]["type"]]}
    return {"path": f"/api/runs/{run_id}/redrive", "body": body}


def _outcomes_given_up(lines: bytes) -> Iterator[tuple[int, dict[str, Any]]]:
    """The outcome of each item given up on, those that share a line included."""
    for line in lines.splitlines():
        if status_of(line) in GIVEN_UP:
            outcome = from_json(line)
            # What a run compensates had succeeded, and has no error.
            if "error" not in outcome:
                continue
            for index in range(outcome["index"], outcome["index"] + outcome.get("count", 1)):
                yield index, outcome


class _Items:
    """The items of a batch, read again in order; none if its source is not what was planned."""

    def __init__(self, files: RunFiles, run_id: str, request: RunRequest, cut: Cut) -> None:
        piece = files.budget.piece
        chunks = read_cut(files, run_id, request, cut, piece)
        self._records = (
            pair
            for chunk in chunks
            for pair in zip(parse_records(chunk), _raw_records(chunk), strict=True)
        )

    def find(self, index: int) -> dict[str, Any]:
        """What a dead letter has of an item; each call asks for one behind the one before."""
        try:
            for record, raw in self._records:
                if record.index == index:
                    return _item(record, raw)
        except (BrokenSourceError, SourceChangedError):
            pass
        return {"item": None}


def _raw_records(chunk: Chunk) -> Iterator[bytes | None]:
    """The bytes of each record; None where it has none that a person can read."""
    if chunk.fault is not None or chunk.kind == "inline" or not chunk.first_line:
        return repeat(None, chunk.count)
    return raw_records(chunk)


def _item(record: Record, raw: bytes | None) -> dict[str, Any]:
    """The item as parsed or, where it does not parse, as it stands in the source."""
    if record.error is None:
        return {"item": record.value}
    if raw is None:
        return {"item": None}
    return {"item": None, "raw": raw.decode(errors="replace").strip("\r\n")}
