"""Part files: the outcomes of one batch in one round. The newest round is the whole truth."""

from collections import defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from itertools import zip_longest

from azure.core.exceptions import ResourceNotFoundError

from fanout.adapters.run_files.files import RunFiles, kept_manifest, kept_partition
from fanout.adapters.run_files.intact import read_part
from fanout.messages.batches import BatchRef
from fanout.models.plan import Reopening
from fanout.naming import blob_paths

# Of a batch: its partition and its first cut.
Key = tuple[int, int]


@dataclass(frozen=True, slots=True)
class Part:
    """The newest part file of a batch.

    Attributes:
        span: How many cuts of the first plan it covers.
        size: Its bytes.
        reopenings: Which items later attempts are to redo that have not reached the batch, oldest
            attempt first.
    """

    path: str
    span: int
    retry_round: int
    size: int
    reopenings: tuple[Reopening, ...] = ()

    @property
    def partial_path(self) -> str:
        """Where a chunk workload leaves its partial of the batch; none if it refused the chunk."""
        return blob_paths.partial_path(self.path)


@dataclass(frozen=True)
class Parts:
    """The newest part of every batch, by partition and first cut.

    Attributes:
        partials: The bytes of each partial, by its path.
    """

    newest: dict[Key, Part] = field(default_factory=dict)
    partials: dict[str, int] = field(default_factory=dict)

    @property
    def sizes(self) -> dict[str, int]:
        """The bytes of each part and partial, by its path."""
        return {part.path: part.size for part in self.newest.values()} | self.partials

    def note(self, path: str, size: int) -> None:
        """Take note of a file: a partial, or a part unless there is one of a later round."""
        if blob_paths.is_partial_path(path):
            self.partials[path] = size
        name = blob_paths.parse_part_path(path)
        if name is None:
            return
        key = (name.partition, name.first_cut)
        part = Part(path, name.span, name.retry_round, size)
        if key not in self.newest or _rank(self.newest[key]) < _rank(part):
            self.newest[key] = part

    def without_rest_records(self) -> "Parts":
        """These in order; what reaches into another batch only says that nobody tried its cuts."""
        keys = sorted(self.newest)
        pairs = zip_longest(keys, keys[1:])
        own = {k: self.newest[k] for k, after in pairs if not _reaches(k, self.newest[k], after)}
        return Parts(own, self.partials)


def list_parts(files: RunFiles, run_id: str) -> dict[str, Parts]:
    """List the newest part of every batch, keyed as the plan of its generation has them."""
    found: dict[str, Parts] = defaultdict(Parts)
    folder = blob_paths.parts_folder(run_id)
    for path, size in files.store.sizes(files.container, folder):
        found[path.removeprefix(folder).partition("-")[0]].note(path, size)
    return {generation: parts.without_rest_records() for generation, parts in found.items()}


def _rank(part: Part) -> tuple[int, int]:
    """The newest round counts; in one, what a batch has kept (`fanout.outcomes.rests`)."""
    return part.retry_round, -part.span


def _reaches(key: Key, part: Part, following: Key | None) -> bool:
    """Tell whether a part reaches into another batch."""
    if following is None or following[0] != key[0]:
        return False
    return following[1] < key[1] + part.span


def overlaid_parts(
    files: RunFiles, run_id: str, attempt: int, *, is_before_undo: bool = False
) -> Parts:
    """Find the newest part of every batch of the first plan, whichever generation wrote it.

    Args:
        files: Where the run is kept.
        run_id: The run.
        attempt: The latest attempt to look at.
        is_before_undo: Whether to leave out what that attempt has compensated.
    """
    found = list_parts(files, run_id)
    overlaid = Parts()
    generations = [*_generations(attempt)]
    for generation in generations[:-1] if is_before_undo else generations:
        parts = found.get(generation, Parts())
        if generation == blob_paths.FIRST:
            overlaid.newest.update(parts.newest)
        elif parts.newest or _has_reopened(files, run_id, generation, found):
            overlaid.newest.update(_overlay(files, run_id, generation, parts, overlaid.newest))
        overlaid.partials.update(parts.partials)
    return overlaid


def _has_reopened(
    files: RunFiles, run_id: str, generation: str, parts: Mapping[str, Parts]
) -> bool:
    """Tell whether a generation without parts was to redo items, or to undo them once more.

    The first compensation of a run reopens nothing; an attempt that goes on with it has no parts of
    items that it processed.
    """
    process = blob_paths.process_generation(generation)
    if process != generation and (process == blob_paths.FIRST or process in parts):
        return False
    return files.exists(blob_paths.plan_path(run_id, generation))


def _overlay(
    files: RunFiles,
    run_id: str,
    generation: str,
    parts: Parts,
    earlier: dict[Key, Part],
) -> dict[Key, Part]:
    """What a later generation made of the batches that it was to take up, as the first has them."""
    manifest = kept_manifest(files, run_id, generation)
    overlay: dict[Key, Part] = {}
    for partition in range(manifest.partitions):
        origins = kept_partition(files, run_id, partition, generation).origins
        for number, origin in enumerate(origins):
            key = (origin.partition, origin.first_cut)
            part = parts.newest.get((partition, number))
            if part is not None:
                overlay[key] = replace(part, span=origin.span)
            elif key in earlier and manifest.reopening is not None:
                reopenings = (*earlier[key].reopenings, manifest.reopening)
                overlay[key] = replace(earlier[key], reopenings=reopenings)
    return overlay


def _generations(attempt: int) -> Iterator[str]:
    """Every pass over the batches up to an attempt, in the order in which they were made."""
    for number in range(1, attempt + 1):
        yield blob_paths.generation(number)
        yield blob_paths.generation(number, "compensate")


def newest_before(files: RunFiles, ref: BatchRef, generation: str) -> bytes | None:
    """Read the part of a batch of the newest earlier round; None if it has none.

    A batch leaves no part in a round that it sat out, or that its activity did not survive.
    """
    for retry_round in range(ref.retry_round - 1, -1, -1):
        try:
            name = replace(ref.name, retry_round=retry_round)
            return read_part(files, blob_paths.part_path(ref.run_id, generation, name))
        except ResourceNotFoundError:
            continue
    return None
