"""The result files of one range of batches: outcomes sorted by status, order kept."""

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass

from activities.endings.dead_letters import dead_letters
from activities.results.result_formats import Format, OutcomeFile, format_of, lines_format_of
from activities.results.results_folder import ResultsFolder
from fanout.adapters.run_files.part_reader import BatchOutcomes
from fanout.adapters.side_by_side import side_by_side
from fanout.messages.fan_in import RangeResult
from fanout.models.outcome import ItemStatus
from fanout.models.request import RunRequest
from fanout.models.status import ItemCounts, ResultFile
from fanout.naming.result_names import ResultKind, parse_result_kind, result_name
from fanout.outcomes.lines import has_only, item_count, status_of

KINDS: dict[ItemStatus, ResultKind] = {
    "succeeded": ResultKind.SUCCEEDED,
    "failed": ResultKind.FAILED,
    "pending": ResultKind.PENDING,
    "compensated": ResultKind.COMPENSATED,
    "compensation_failed": ResultKind.COMPENSATION_FAILED,
}


@dataclass(frozen=True)
class Place:
    """Where the files of a range go, and how long one gets before the next begins (bytes)."""

    folder: ResultsFolder
    number: int
    max_bytes: int


class _Sequence:
    """``FAILED-00003.jsonl``, ``FAILED-00003-1.jsonl`` ... of the range 3."""

    def __init__(self, place: Place, kind: ResultKind, made: Format) -> None:
        self._place = place
        self._kind = kind
        self._format = made
        self._open: OutcomeFile | None = None
        self._items = 0
        self.closed: list[ResultFile] = []

    @property
    def is_open(self) -> bool:
        """Whether its last file has yet to appear."""
        return self._open is not None

    @property
    def _name(self) -> str:
        part = len(self.closed)
        return result_name(self._kind, self._place.number, part, self._format.suffix)

    def write(self, lines: bytes, items: int) -> None:
        """Add whole lines; only a single line may be longer than a file."""
        used = self._open.size if self._open is not None else 0
        if used + len(lines) <= self._place.max_bytes:
            self._add(lines, items)
        elif lines.find(b"\n") == len(lines) - 1:
            self.close()
            self._add(lines, items)
        else:
            for line in lines.splitlines(keepends=True):
                self.write(line, item_count(line))

    def _add(self, lines: bytes, items: int) -> None:
        if self._open is None:
            writer = self._place.folder.open_writer(self._name, self._format.media_type)
            self._open = self._format.begin(writer)
        self._open.write(lines)
        self._items += items

    def close(self) -> None:
        if self._open is None:
            return
        size, digest = self._open.close()
        self.closed.append(
            ResultFile(
                name=self._name,
                size_bytes=size,
                count=self._items,
                md5=digest,
                media_type=self._format.media_type,
            )
        )
        self._open, self._items = None, 0


class ResultFiles:
    """Writes the outcomes of one range, in bounded memory."""

    def __init__(self, place: Place, request: RunRequest) -> None:
        self._place, self._request = place, request
        outcomes, letters = format_of(request.results), lines_format_of(request.results)
        self._sequences = {s: _Sequence(place, kind, outcomes) for s, kind in KINDS.items()}
        self._dead_letters = _Sequence(place, ResultKind.DEAD_LETTERS, letters)
        self._counts: Counter[ItemStatus] = Counter()

    @property
    def pending(self) -> int:
        """How many items so far have no end."""
        return self._counts["pending"]

    def add(self, batch: BatchOutcomes) -> None:
        """Put the outcomes of a batch where their status belongs, order kept."""
        if has_only(batch.lines, "succeeded"):
            self._put("succeeded", batch.lines, batch.cut.items)
            return
        for line in batch.lines.splitlines(keepends=True):
            self._put(status_of(line), line, item_count(line))
        self._add_dead_letters(batch)

    def _add_dead_letters(self, batch: BatchOutcomes) -> None:
        folder, request = self._place.folder, self._request
        for letter in dead_letters(folder.files, folder.run_id, request, batch.cut, batch.lines):
            self._dead_letters.write(letter, 1)

    def _put(self, status: ItemStatus, lines: bytes, items: int) -> None:
        self._sequences[status].write(lines, items)
        self._counts[status] += items

    def close(self) -> RangeResult:
        """End the files, and tell what is in them."""
        sequences = [*self._sequences.values(), self._dead_letters]
        side_by_side(*(sequence.close for sequence in sequences if sequence.is_open))
        counts = {str(status): count for status, count in self._counts.items()}
        return RangeResult(
            items=ItemCounts(total=sum(counts.values()), **counts),
            files=[file for sequence in sequences for file in sequence.closed],
        )


def sort_files(files: Iterable[ResultFile]) -> list[ResultFile]:
    """Put the files of many ranges together by status; within one, ranges keep their order."""
    return sorted(files, key=_rank)


def _rank(file: ResultFile) -> int:
    kind = parse_result_kind(file.name)
    if kind is None:
        raise ValueError(f"'{file.name}' is no file of a range")
    return list(ResultKind).index(kind)
