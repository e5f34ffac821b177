"""Adding up what the batches of a wave came to."""

from fanout.messages.batches import BatchResult, WaveTally
from fanout.outcomes.error_groups import ErrorGroups

# What a shard carries has room for so many of this size.
MAX_KINDS = 4


def add_results(tally: WaveTally, results: list[BatchResult], lost_batches: int) -> WaveTally:
    """Add the results of a round to what the wave has come to."""
    errors = ErrorGroups([*tally.errors, *(e for r in results for e in r.errors)])
    return WaveTally(
        succeeded=tally.succeeded + sum(r.succeeded for r in results),
        failed=tally.failed + sum(r.failed for r in results),
        compensated=tally.compensated + sum(r.compensated for r in results),
        compensation_failed=tally.compensation_failed + sum(r.compensation_failed for r in results),
        retries=tally.retries + sum(r.retries for r in results),
        lost_batches=tally.lost_batches + lost_batches,
        tried=tally.tried + sum(r.tried for r in results),
        untimed=tally.untimed + sum(r.tried for r in results if r.work_ms is None),
        work_ms=round(tally.work_ms + sum(r.work_ms or 0.0 for r in results), 1),
        errors=errors.most_frequent(MAX_KINDS),
    )
