"""What an attempt that was ended by force had under way when the next one begins.

Its batches stop at their next item and write down what they have done. The next attempt plans by
those parts, so it waits until they are there, or until nobody will write them any more.
"""

from datetime import datetime, timedelta

from fanout import ids
from fanout.adapters.rows import Rows
from fanout.adapters.run_rows import read_attempt
from fanout.adapters.runs import RunFiles
from fanout.governor import GovernorState, ShardState
from fanout.ids import BatchName
from fanout.models.wave import BeginAsk, ShardWork, Wave

# After that whoever worked on a batch is gone, or at one item for so long that nobody waits for it.
PATIENCE = timedelta(seconds=30)


def are_written(asked: BeginAsk, files: RunFiles, to: Rows) -> bool:
    """Tell whether all parts of the attempt before are there that will be."""
    if asked.attempt == 1:
        return True
    before = read_attempt(to, asked.run_id, asked.attempt - 1).state
    end = before.run.end
    if end is None or not end.is_forced or end.at is None:
        return True
    if datetime.fromisoformat(asked.at) - datetime.fromisoformat(end.at) > PATIENCE:
        return True
    return all(files.exists(path) for path in _awaited(asked, before))


def _awaited(asked: BeginAsk, before: GovernorState) -> list[str]:
    return [
        ids.part_path(asked.run_id, ids.generation(asked.attempt - 1, shard.work.stage), name)
        for shard in before.shards.values()
        if shard.work is not None
        for name in _under_way(shard, shard.work)
    ]


def _under_way(shard: ShardState, work: ShardWork) -> list[BatchName]:
    """The batches that a shard was last told to carry out."""
    order = shard.order
    if order is None or order.action != "go" or work.is_saga:
        return []
    wave = work.wave or Wave(end=min(work.batch + order.cuts, work.batches_here), span=order.span)
    firsts, retry_round = [*range(work.batch, wave.end, wave.span)], 0
    if work.retrying is not None:
        firsts = work.retrying.broken or work.retrying.batches
        retry_round = work.retrying.retry_round - bool(work.retrying.broken)
    return [
        BatchName(work.partition, first, min(wave.span, wave.end - first), retry_round)
        for first in (firsts[:1] if order.is_probe else firsts)
    ]
