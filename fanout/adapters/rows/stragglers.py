"""What an attempt that was ended by force still has under way.

Its batches stop at their next item and write down what they have done. Whoever comes after, the
next attempt or a deletion, waits until those parts are there, or until nobody will write them.
"""

from datetime import datetime, timedelta

from fanout.adapters.run_files.files import RunFiles
from fanout.governor.run_state import GovernorState, ShardState
from fanout.governor.shard_work import share_out_rest
from fanout.messages.shards import ShardWork, Wave
from fanout.naming import blob_paths
from fanout.naming.blob_paths import BatchName
from fanout.outcomes.rests import MAX_RECORD_BYTES, read_rest_record

# After that whoever worked on a batch is gone, or at one item for so long that nobody waits for it.
PATIENCE = timedelta(seconds=30)


def has_all_parts(
    run_id: str, attempt: int, state: GovernorState, files: RunFiles, now: datetime
) -> bool:
    """Tell whether an attempt has nothing under way: all parts that will be written are there.

    Args:
        run_id: The run.
        attempt: The attempt, which has ended.
        state: Its rows.
        files: Where the run is kept.
        now: The time, aware.
    """
    end = state.run.end
    if end is None or not end.is_forced or end.at is None:
        return True
    if now - datetime.fromisoformat(end.at) > PATIENCE:
        return True
    return all(_has_part(files, path) for path in _expected_parts(run_id, attempt, state))


def _has_part(files: RunFiles, path: str) -> bool:
    """Tell whether a batch has written down what it has done; no matter what it gave back."""
    size = files.size(path)
    if size is None or size > MAX_RECORD_BYTES:
        return size is not None
    return read_rest_record(files.read(path)) is None or _has_own_part(files, path)


def _has_own_part(files: RunFiles, record: str) -> bool:
    """Tell whether a batch has written down what it has kept: fewer cuts from the same first one.

    Nobody has taken note of what it gave back, so that is no part of another.
    """
    names = files.names(blob_paths.part_prefix(record))
    return any(name != record for name in names)


def _expected_parts(run_id: str, attempt: int, state: GovernorState) -> list[str]:
    return [
        blob_paths.part_path(run_id, blob_paths.generation(attempt, shard.work.stage), name)
        for shard in state.shards.values()
        if shard.work is not None
        for name in _batches_under_way(shard, shard.work)
    ]


def _batches_under_way(shard: ShardState, work: ShardWork) -> list[BatchName]:
    """The batches that a shard was last told to carry out."""
    order = shard.order
    if order is None or order.action != "go" or work.is_saga:
        return []
    end = min(work.first_cut + order.cuts, work.cuts_here)
    wave = work.wave or Wave(end=end, span=order.span)
    if order.starts:
        wave = share_out_rest(work, order).wave or wave
    spans = wave.spans(work.first_cut)
    firsts, retry_round = [*spans], 0
    if work.retrying is not None:
        firsts = work.retrying.broken or work.retrying.first_cuts
        retry_round = work.retrying.retry_round - bool(work.retrying.broken)
    return [
        BatchName(work.partition, first, spans[first], retry_round)
        for first in (firsts[:1] if order.is_probe else firsts)
    ]
