"""The files of a run's results: outcomes sorted by status, and what the workload renders."""

from collections import Counter

from activities.dead_letters import dead_letters
from fanout import ids
from fanout.adapters.blob import BlobWriter, md5
from fanout.adapters.part_reader import BatchOutcomes
from fanout.adapters.runs import JSON_LINES, RunFiles
from fanout.models.outcome import ItemStatus
from fanout.models.status import ItemCounts, ResultFile
from fanout.outcome_lines import are_all, items_in, status_of
from fanout.workload import RenderedFile

MAX_FILE_BYTES = 64 * 1_048_576
STEMS: dict[ItemStatus, str] = {
    "succeeded": "SUCCEEDED",
    "failed": "FAILED",
    "pending": "PENDING",
    "compensated": "COMPENSATED",
    "compensation_failed": "COMPENSATION_FAILED",
}
DEAD_LETTERS = "DEAD-LETTERS"


class _Sequence:
    """``FAILED-00000.jsonl``, ``FAILED-00001.jsonl`` ...: each at most 64 MiB."""

    def __init__(self, files: RunFiles, run_id: str, stem: str) -> None:
        self._files = files
        self._run_id = run_id
        self._stem = stem
        self._writer: BlobWriter | None = None
        self._items = 0
        self.closed: list[ResultFile] = []

    @property
    def _name(self) -> str:
        return f"{self._stem}-{len(self.closed):05d}.jsonl"

    def write(self, lines: bytes, items: int) -> None:
        if self._writer is not None and self._writer.size + len(lines) > MAX_FILE_BYTES:
            self.close()
        if self._writer is None:
            path = ids.result_path(self._run_id, self._name)
            store = self._files.store
            self._writer = store.open_writer(self._files.container, path, JSON_LINES)
        self._writer.write(lines)
        self._items += items

    def close(self) -> None:
        if self._writer is None:
            return
        digest = self._writer.close()
        self.closed.append(
            ResultFile(
                name=self._name,
                size_bytes=self._writer.size,
                count=self._items,
                md5=digest,
                media_type=JSON_LINES,
            )
        )
        self._writer, self._items = None, 0


class ResultFiles:
    """Collects the result files of one run, in bounded memory."""

    def __init__(self, files: RunFiles, run_id: str) -> None:
        self._files = files
        self._run_id = run_id
        self._sequences = {s: _Sequence(files, run_id, stem) for s, stem in STEMS.items()}
        self._dead_letters = _Sequence(files, run_id, DEAD_LETTERS)
        self._counts: Counter[ItemStatus] = Counter()
        self._rendered: list[ResultFile] = []

    def sort_in(self, batch: BatchOutcomes) -> None:
        """Put the outcomes of a batch where their status belongs, order kept."""
        if are_all(batch.lines, "succeeded"):
            self._put("succeeded", batch.lines, batch.cut.items)
            return
        for line in batch.lines.splitlines(keepends=True):
            self._put(status_of(line), line, items_in(line))
        for letter in dead_letters(self._files, self._run_id, batch.cut, batch.lines):
            self._dead_letters.write(letter, 1)

    def _put(self, status: ItemStatus, lines: bytes, items: int) -> None:
        self._sequences[status].write(lines, items)
        self._counts[status] += items

    def add(self, file: RenderedFile) -> None:
        """Write a file that the workload made."""
        path = ids.result_path(self._run_id, file.name)
        self._files.write(path, file.content, file.media_type)
        self._rendered.append(
            ResultFile(
                name=file.name,
                size_bytes=len(file.content),
                count=file.count,
                md5=md5(file.content).hex(),
                media_type=file.media_type,
            )
        )

    def close(self) -> None:
        """End the outcome files."""
        for sequence in self._every_sequence:
            sequence.close()

    @property
    def _every_sequence(self) -> list[_Sequence]:
        return [*self._sequences.values(), self._dead_letters]

    @property
    def items(self) -> ItemCounts:
        """How many items ended in each way."""
        counts = {str(status): count for status, count in self._counts.items()}
        return ItemCounts(total=sum(counts.values()), **counts)

    @property
    def files(self) -> list[ResultFile]:
        """Every file, those of the workload first."""
        outcomes = [file for s in self._every_sequence for file in s.closed]
        return [*self._rendered, *outcomes]
