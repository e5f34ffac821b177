"""Part files: the outcomes of one batch in one round. The newest round is the whole truth."""

import re
from dataclasses import dataclass

from fanout import ids
from fanout.adapters.runs import RunFiles, kept_partition

_PART = re.compile(r"/parts/[ac]\d+-p(\d+)-r(\d+)-b(\d+)\.jsonl$")
_PARTIAL = ".partial.json"


@dataclass(frozen=True, order=True, slots=True)
class Part:
    """The newest part file of a batch; parts sort in source order."""

    partition: int
    batch: int
    retry_round: int
    path: str

    @property
    def partial_path(self) -> str:
        """Where a chunk workload leaves its partial of the batch; none if it refused the chunk."""
        return self.path.removesuffix(".jsonl") + _PARTIAL


@dataclass(frozen=True)
class Parts:
    """The newest part of every batch, by partition and batch, and which of them have a partial."""

    newest: dict[tuple[int, int], Part]
    with_partial: frozenset[str]


def newest_parts(files: RunFiles, run_id: str, attempt: int) -> Parts:
    """Find the newest part of every batch of an attempt, in source order."""
    return _newest(files, f"{run_id}/parts/a{attempt}-")


def newest_of_partition(files: RunFiles, run_id: str, partition: int) -> Parts:
    """Find the newest part of every batch of one partition of the first attempt."""
    return _newest(files, f"{run_id}/parts/a1-p{partition:05d}-")


def _newest(files: RunFiles, prefix: str) -> Parts:
    newest: dict[tuple[int, int], Part] = {}
    partials = set()
    for name in files.store.names(files.container, prefix):
        if name.endswith(_PARTIAL):
            partials.add(name)
        part = _parse(name)
        if part is None:
            continue
        key = (part.partition, part.batch)
        if key not in newest or newest[key].retry_round < part.retry_round:
            newest[key] = part
    return Parts(dict(sorted(newest.items())), frozenset(partials))


def overlaid_parts(files: RunFiles, run_id: str, attempt: int) -> Parts:
    """Find the newest part of every batch of the first attempt's plan, whichever attempt wrote it.

    Args:
        files: Where the run is kept.
        run_id: The run.
        attempt: The latest attempt to look at.
    """
    first = newest_parts(files, run_id, 1)
    newest, with_partial = first.newest, first.with_partial
    for later in range(2, attempt + 1):
        found = newest_parts(files, run_id, later)
        for (partition, batch), part in found.newest.items():
            origin = kept_partition(files, run_id, partition, later).origins[batch]
            newest[origin.partition, origin.batch] = part
        with_partial |= found.with_partial
    newest |= _newest(files, f"{run_id}/parts/c1-").newest
    return Parts(newest, with_partial)


def _parse(name: str) -> Part | None:
    found = _PART.search(name)
    if found is None:
        return None
    partition, retry_round, batch = (int(group) for group in found.groups())
    return Part(partition, batch, retry_round, name)


def part_of(run_id: str, attempt: int, partition: int, batch: int, retry_round: int) -> Part:
    """Name the part file of a batch in a round."""
    path = ids.part_path(run_id, attempt, partition, batch, retry_round)
    return Part(partition, batch, retry_round, path)
