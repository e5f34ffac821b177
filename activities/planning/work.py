"""Writing down the plan of a generation, and what orchestrators are told of it."""

from collections.abc import Iterable

from fanout.adapters.run_files.files import RunFiles
from fanout.messages.planning import Work
from fanout.models.plan import BatchCut, Origin, PartitionPlan, PlanManifest
from fanout.models.request import RunRequest
from fanout.naming import blob_paths
from fanout.splitting.sizing import batches_per_partition, shard_count


def written(
    files: RunFiles,
    run_id: str,
    of: str,
    manifest: PlanManifest,
    partitions: Iterable[PartitionPlan],
) -> None:
    """Write the plan of a generation, its manifest last."""
    for partition in partitions:
        files.write_model(blob_paths.partition_path(run_id, partition.partition, of), partition)
    files.write_model(blob_paths.plan_path(run_id, of), manifest)


def again(
    base: PlanManifest, request: RunRequest, cuts: list[BatchCut], origins: list[Origin]
) -> tuple[PlanManifest, Iterable[PartitionPlan]]:
    """Plan batches of the first plan once more, in the order in which they are given."""
    batches = len(cuts)
    size = batches_per_partition(batches, request.concurrency.batches, are_grains=False)
    counts = {
        "batches": batches,
        "partitions": -(-batches // size),
        "batches_per_partition": size,
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


def work_of(request: RunRequest, manifest: PlanManifest, items: int | None = None) -> Work:
    """What orchestrators are told of a plan; `items` are those of its batches, if not of all."""
    shards = min(shard_count(request.concurrency.batches), manifest.partitions)
    in_batches = manifest.items if items is None else items
    return Work(
        items=manifest.items,
        batches=manifest.batches,
        partitions=manifest.partitions,
        batches_per_partition=manifest.batches_per_partition,
        shards=shards,
        batch_items=max(1.0, round(in_batches / max(1, manifest.batches), 3)),
    )
