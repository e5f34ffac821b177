"""What a run writes into tables, found by watching one, as words that are in each such write.

A write is known again in another run of the same shape by its partition, its row, and a piece of
content that earlier versions of the row did not have.
"""

import json
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import Any, Literal

from starters.lifecycle.earlier_versions import PARTITION as HOUSEKEEPING

Where = Literal["rows", "history", "instances", "deletions"]
Row = dict[str, Any]
Kind = tuple[str, ...]

RUN = "{run}"
# So many of the later versions of one of our rows, from the second to the last.
MOST_LATER = 5
# Words of the proxy have no blank; what has more digits are times and sizes.
PIECE = re.compile(r'"\w+":(?:"(?!\d{4})[^"\\\s]+"|true|false|\d{1,3}\b(?![.\d]))')
# A turn of an orchestration is known by what it began, or by its end.
BEGINNINGS = {"TaskScheduled", "SubOrchestrationInstanceCreated"}
MOMENTS = {"TimerCreated", "ContinueAsNew", "ExecutionCompleted"}
TURN_ENDS = "OrchestratorCompleted"


@dataclass(frozen=True)
class Write:
    """A write of a run, whatever the run is called.

    Attributes:
        where: One of the app's own rows, or the history or the state of an orchestration, or a
            deletion of any of these.
        row: The key of an own row, or of one that is deleted.
        piece: What is in it, and in none before it; empty for the first.
    """

    where: Where
    partition: str
    row: str = ""
    piece: str = ""

    @property
    def is_own(self) -> bool:
        """Whether the app writes it, and not the engine."""
        return self.where == "rows" or "!" in self.partition

    def words(self, run_id: str) -> list[str]:
        """What a body has if it is this write of a run."""
        match self.where:
            case "rows":
                # Within an own row's content quotes are escaped.
                words = [f'"{self.partition}"', f'"{self.row}"', json.dumps(self.piece)[1:-1]]
            case "history":
                words = [f'"PartitionKey":"{self.partition}"', '"EventType"', self.piece]
            case "deletions":
                words = ["DELETE", f"'{self.partition}'", f"'{self.row}'"]
            case "instances":
                words = [f'"PartitionKey":"{self.partition}"', '"TaskHubName"', self.piece]
        return [word.replace(RUN, run_id) for word in words if word]

    def __str__(self) -> str:
        return " ".join(filter(None, [self.where, self.partition, self.row, self.piece]))


@dataclass
class Found:
    """A row or partition that was written, and the pieces of each version of it."""

    first: Write
    versions: list[set[str]] = field(default_factory=list)

    def writes(self, again: "Found | None") -> Iterator[Write]:
        """The first write, and later ones by pieces that another run had as well."""
        yield self.first
        stable: set[str] = set().union(*(again.versions if again else []))
        known, later = set(self.versions[0]), []
        for pieces in self.versions[1:]:
            if new := sorted((pieces & stable) - known):
                later.append(min(new, key=lambda piece: (not piece.startswith('"phase"'), piece)))
            known |= pieces
        for piece in _spread(later, MOST_LATER) if self.first.is_own else later:
            yield Write(self.first.where, self.first.partition, self.first.row, piece)


def found(rows: Iterable[Row], run_id: str) -> dict[Kind, Found]:
    """What a run wrote: the first of each kind of row and of orchestration."""
    those = [row for row in rows if _is_of(row, run_id)]
    functions = {
        row["PartitionKey"]: row["Name"]
        for row in those
        if "TaskHubName" in row and row.get("Name")
    }
    kinds: dict[Kind, Found] = {}
    turns: dict[str, set[str]] = {}
    for row in those:
        if (write := _write(row, run_id)) is None:
            continue
        pieces = _pieces(row, run_id)
        if write.where == "history":
            turn = turns.setdefault(write.partition, set())
            turn |= pieces
            if row["EventType"] != TURN_ENDS:
                continue
            pieces = turns.pop(write.partition)
        kind = _kind(write, functions.get(row["PartitionKey"], ""))
        one = kinds.setdefault(kind, Found(write))
        if one.first == write:
            one.versions.append(pieces)
    return kinds


def writes(seen: dict[Kind, Found], again: dict[Kind, Found]) -> list[Write]:
    """Every write that two runs of a shape have in common, and every first one."""
    return [write for kind, one in seen.items() for write in one.writes(again.get(kind))]


def _is_of(row: Row, run_id: str) -> bool:
    partition = str(row.get("PartitionKey", ""))
    # The clock's own writes come when they will, in this run or in none.
    is_of_all = partition.startswith("!") and partition != HOUSEKEEPING and "!open" not in partition
    return is_of_all or run_id in partition or run_id in str(row.get("RowKey", ""))


def _write(row: Row, run_id: str) -> Write | None:
    partition = row["PartitionKey"].replace(run_id, RUN)
    if "json0" in row or "deleted" in row:
        where: Where = "deletions" if "deleted" in row else "rows"
        return Write(where, partition, row["RowKey"].replace(run_id, RUN))
    if "EventType" in row:
        return Write("history", partition)
    return Write("instances", partition) if "TaskHubName" in row else None


def _kind(write: Write, function: str) -> Kind:
    if write.is_own or write.where == "deletions":
        # Shards are of one kind, and so are items and events; attempts are not.
        return (write.where, write.partition, re.sub(r"\d{2,}", "#", write.row))
    attempt = re.search(r":a\d+", write.partition)
    return (write.where, function, attempt[0] if attempt else "")


def _pieces(row: Row, run_id: str) -> set[str]:
    if "json0" in row:
        text = "".join(row[name] for name in sorted(row) if re.fullmatch(r"json\d+", name))
        return set(PIECE.findall(text.replace(run_id, RUN)))
    if "EventType" not in row:
        return {f'"RuntimeStatus":"{row["RuntimeStatus"]}"'} if "RuntimeStatus" in row else set()
    event = row["EventType"]
    if event in BEGINNINGS:
        return {f'"Name":"{row["Name"]}"'}
    return {f'"EventType":"{event}"'} if event in MOMENTS else set()


def _spread(those: list[str], most: int) -> list[str]:
    if len(those) <= most:
        return those
    return [those[round(n * (len(those) - 1) / (most - 1))] for n in range(most)]
