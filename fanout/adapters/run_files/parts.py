"""Part files: the outcomes of one batch in one round. The newest round is the whole truth."""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from itertools import pairwise

from azure.core.exceptions import ResourceNotFoundError

from fanout.adapters.run_files.files import RunFiles, kept_manifest, kept_partition
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
    """The newest part of every batch, by partition and first cut, and which have a partial."""

    newest: dict[Key, Part]
    with_partial: frozenset[str]


def newest_parts(files: RunFiles, run_id: str, generation: str) -> Parts:
    """Find the newest part of every batch of a generation, keyed as its own plan has them."""
    newest: dict[Key, Part] = {}
    partials = set()
    prefix = f"{blob_paths.parts_folder(run_id)}{generation}-"
    for path, size in files.store.sizes(files.container, prefix):
        if blob_paths.is_partial_path(path):
            partials.add(path)
        name = blob_paths.parse_part_path(path)
        if name is None:
            continue
        key, part = (name.partition, name.first_cut), Part(path, name.span, name.retry_round, size)
        if key not in newest or _rank(newest[key]) < _rank(part):
            newest[key] = part
    return Parts(_drop_rest_records(dict(sorted(newest.items()))), frozenset(partials))


def _rank(part: Part) -> tuple[int, int]:
    """The newest round counts; in one, what a batch has kept (`fanout.outcomes.rests`)."""
    return part.retry_round, -part.span


def _drop_rest_records(newest: dict[Key, Part]) -> dict[Key, Part]:
    """Leave out what reaches into another batch: nobody has tried the cuts before that one yet."""
    following = dict(pairwise(newest))
    return {key: part for key, part in newest.items() if not _reaches(key, part, following)}


def _reaches(key: Key, part: Part, following: dict[Key, Key]) -> bool:
    partition, first_cut = following.get(key, (-1, 0))
    return partition == key[0] and first_cut < key[1] + part.span


def overlaid_parts(files: RunFiles, run_id: str, attempt: int) -> Parts:
    """Find the newest part of every batch of the first plan, whichever generation wrote it.

    Args:
        files: Where the run is kept.
        run_id: The run.
        attempt: The latest attempt to look at.
    """
    newest: dict[Key, Part] = {}
    with_partial: frozenset[str] = frozenset()
    for generation in _generations(attempt):
        parts = newest_parts(files, run_id, generation)
        if generation == blob_paths.FIRST:
            newest |= parts.newest
        elif files.exists(blob_paths.plan_path(run_id, generation)):
            newest |= _overlay(files, run_id, generation, parts, newest)
        with_partial |= parts.with_partial
    return Parts(newest, with_partial)


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
            return files.read(blob_paths.part_path(ref.run_id, generation, name))
        except ResourceNotFoundError:
            continue
    return None
