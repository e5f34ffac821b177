"""Writing down the plan of a generation, and what orchestrators learn of it."""

import hashlib
from collections.abc import Iterable

from fanout.adapters.run_files.files import RunFiles, keep_manifest, keep_partition
from fanout.messages.planning import Work
from fanout.models.plan import Cut, Origin, PartitionPlan, PlanManifest
from fanout.models.request import RunRequest
from fanout.naming import blob_paths
from fanout.splitting.sizing import cuts_per_partition, shard_count

# The process that plans a small run begins with it.
MAX_KEPT_PARTITIONS = 4
_IDENTITY_BYTES = 16


def write_plan(
    files: RunFiles,
    run_id: str,
    generation: str,
    manifest: PlanManifest,
    partitions: Iterable[PartitionPlan],
) -> None:
    """Write the plan of a generation, its manifest last; that has the only partition in it."""
    only, digest = None, _digest(manifest)
    for partition in partitions:
        digest.update(partition.model_dump_json().encode())
        if manifest.partitions == 1:
            only = partition
        else:
            path = blob_paths.partition_path(run_id, partition.partition, generation)
            files.write_model(path, partition)
        if manifest.partitions <= MAX_KEPT_PARTITIONS:
            keep_partition(files, run_id, generation, partition)
    manifest = manifest.model_copy(update={"only": only, "identity": _identity(manifest, digest)})
    files.write_model(blob_paths.plan_path(run_id, generation), manifest)
    keep_manifest(files, run_id, generation, manifest)


def identify_plan(manifest: PlanManifest, partitions: Iterable[PartitionPlan]) -> str | None:
    """What tells a plan from every other; None where it does not know all that it was made of."""
    digest = _digest(manifest)
    for partition in partitions:
        digest.update(partition.model_dump_json().encode())
    return _identity(manifest, digest)


def _digest(manifest: PlanManifest) -> "hashlib.blake2b":
    known = manifest.model_dump_json(exclude={"only", "identity"})
    return hashlib.blake2b(known.encode(), digest_size=_IDENTITY_BYTES)


def _identity(manifest: PlanManifest, digest: "hashlib.blake2b") -> str | None:
    # Which version each of many blobs has stands elsewhere.
    return None if manifest.parts is not None else digest.hexdigest()


def plan_again(
    base: PlanManifest, request: RunRequest, cuts: list[Cut], origins: list[Origin]
) -> tuple[PlanManifest, Iterable[PartitionPlan]]:
    """Plan cuts of the first plan once more, in the order in which they are given."""
    size = cuts_per_partition(len(cuts), request.concurrency.batches, is_adaptive=False)
    counts = {
        "cuts": len(cuts),
        "partitions": -(-len(cuts) // size),
        "cuts_per_partition": size,
    }
    manifest = base.model_copy(update=counts)
    partitions = (
        PartitionPlan(
            partition=number,
            cuts=cuts[number * size : (number + 1) * size],
            origins=origins[number * size : (number + 1) * size],
        )
        for number in range(manifest.partitions)
    )
    return manifest, partitions


def make_work(request: RunRequest, manifest: PlanManifest, items: int | None = None) -> Work:
    """What orchestrators learn of a plan; `items` are those of its cuts, if not of all."""
    shards = min(shard_count(request.concurrency.batches), manifest.partitions)
    items_in_cuts = manifest.items if items is None else items
    return Work(
        items=manifest.items,
        cuts=manifest.cuts,
        partitions=manifest.partitions,
        cuts_per_partition=manifest.cuts_per_partition,
        shards=shards,
        items_per_cut=max(1.0, round(items_in_cuts / max(1, manifest.cuts), 3)),
    )
