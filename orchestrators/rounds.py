"""What a round of a wave came to, and which batches want another."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import cached_property

from fanout.governor.shard_work import end_wave, note_rests
from fanout.governor.tallies import add_results
from fanout.messages.batches import BatchRef, BatchResult
from fanout.messages.shards import Retrying, ShardWork
from fanout.policies import PATIENCE, backoff_seconds
from orchestrators.clock import moment, timestamp
from orchestrators.tallies import batch_result
from orchestrators.tasks import TaskResult

# How often an activity is tried in a row when infrastructure, not an item, fails: here, and not by
# the SDK's retry options, whose events would multiply those of a wide wave.
MAX_BREAKDOWNS = 5
# What is to be undone stands until it is: so long is waited for infrastructure, as items do.
UNDO_PATIENCE = PATIENCE
FIRST_REPAIR_SECONDS = 2.0
MAX_REPAIR_SECONDS = 30.0


@dataclass(frozen=True)
class Round:
    """A round that was carried out.

    Attributes:
        now: By the clock of the orchestration.
        earlier: What the batches waited as before it; None in round 0.
        batches: Those that it took.
        answers: What the activity of each came to.
        is_undo: Whether it compensates: then no batch is given up soon.
    """

    now: datetime
    earlier: Retrying | None
    batches: list[BatchRef]
    answers: list[TaskResult]
    is_undo: bool = False

    @cached_property
    def broken(self) -> list[int]:
        """First cuts of the batches whose activity failed."""
        pairs = zip(self.batches, self.answers, strict=True)
        return [batch.first_cut for batch, answer in pairs if answer.failure is not None]

    @property
    def breakdowns(self) -> int:
        """How often in a row an activity has failed; one that nobody tried does not count."""
        failures = (answer for answer in self.answers if answer.failure is not None)
        has_failed = any(not failure.is_unserved for failure in failures)
        return (self.earlier.breakdowns if self.earlier else 0) + has_failed

    @property
    def broken_since(self) -> str:
        """Since when activities have failed in a row."""
        known = self.earlier.broken_since if self.earlier else None
        return known or self.now.isoformat()

    @cached_property
    def is_last_try(self) -> bool:
        """Whether batches whose activity failed are given up; one nobody tried is not soon."""
        if not self.broken:
            return False
        failures = [answer for answer in self.answers if answer.failure is not None]
        away = self.now - moment(self.broken_since)
        if self.is_undo:
            return away >= UNDO_PATIENCE
        if all(failure.is_unserved for failure in failures):
            return away >= PATIENCE
        return self.breakdowns >= MAX_BREAKDOWNS

    @cached_property
    def results(self) -> list[BatchResult]:
        """What is known of each batch."""
        pairs = zip(self.answers, self.batches, strict=True)
        return [batch_result(answer, batch, is_lost=self.is_last_try) for answer, batch in pairs]

    @property
    def lost_batches(self) -> int:
        """Batches that are given up."""
        return len(self.broken) if self.is_last_try else 0

    @property
    def has_answered(self) -> bool:
        """Whether the downstream did what some item asked of it."""
        return any(result.has_answered for result in self.results)

    @property
    def is_down(self) -> bool:
        """Whether the downstream kept failing for most of some batches."""
        return is_down(self.results)

    @cached_property
    def rests(self) -> list[int]:
        """First cuts of what batches gave back and no other batch of the round took."""
        taken = {batch.first_cut for batch in self.batches}
        ends = [
            batch.first_cut + result.cuts
            for batch, result in zip(self.batches, self.results, strict=True)
            if result.cuts is not None and result.cuts < batch.span
        ]
        return [end for end in ends if end not in taken]

    @cached_property
    def to_repair(self) -> list[int]:
        """First cuts of the batches whose activity is to be called again."""
        broken = [] if self.is_last_try else self.broken
        # A probe leaves the other batches of its round as they are.
        if self.earlier is not None and self.earlier.broken:
            broken = broken + self.earlier.broken[len(self.batches) :]
        return broken

    @cached_property
    def to_retry(self) -> tuple[list[int], int]:
        """First cuts of the batches that want another round, and how many items of theirs do."""
        pairs = zip(self.batches, self.results, strict=True)
        again = [batch.first_cut for batch, result in pairs if result.retryable]
        items = sum(result.retryable for result in self.results)
        earlier = self.earlier
        if earlier is None:
            return again, items
        if earlier.broken:  # a repair: those that waited for the next round still do
            return [*again, *earlier.first_cuts], items + earlier.items
        if len(self.batches) < len(earlier.first_cuts):  # a probe
            again += earlier.first_cuts[len(self.batches) :]
            items += earlier.items - sum(result.tried + result.untried for result in self.results)
        return again, items

    @property
    def quiet_until(self) -> str | None:
        """Until when the other side asked to be left alone, now or before repairs of this round."""
        asked = max((r.retry_after for r in self.results if r.retry_after is not None), default=0.0)
        known = self.earlier.quiet_until if self.earlier and self.earlier.broken else None
        if not asked:
            return known
        until = self.now + timedelta(seconds=asked)
        return until.isoformat() if known is None else max(until, moment(known)).isoformat()


def is_down(results: list[BatchResult]) -> bool:
    """Tell whether the downstream kept failing for most of some batches."""
    tripped = sum(result.has_tripped for result in results)
    return tripped > 0 and 2 * tripped >= len(results)


def add_round(work: ShardWork, done: Round) -> ShardWork:
    """Where a shard is after a round: it waits for the next, or its wave is over."""
    work = work.model_copy(
        update={
            "tally": add_results(work.tally, done.results, done.lost_batches),
            "has_tripped": done.is_down,
            "has_answered": done.has_answered,
            "is_resumed": False,
        }
    )
    work = note_rests(work, done.rests)
    first_cuts, _ = done.to_retry
    if not first_cuts and not _to_repeat(work, done):
        return end_wave(work, is_complete=work.tally.lost_batches == 0)
    return work.model_copy(update={"retrying": _wait(work, done)})


def _to_repeat(work: ShardWork, done: Round) -> list[int]:
    """First cuts of the batches that are to be carried out before the round is over."""
    end = work.wave.end if work.wave is not None else 0
    return sorted([*done.to_repair, *(rest for rest in done.rests if rest < end)])


def _wait(work: ShardWork, done: Round) -> Retrying:
    """What the batches wait as that want another round, or a repair of this one."""
    first_cuts, items = done.to_retry
    broken = _to_repeat(work, done)
    is_broken = bool(done.broken or done.to_repair)
    retrying = Retrying(
        first_cuts=sorted(first_cuts),
        broken=broken,
        items=max(items, len(first_cuts), len(broken)),
        retry_round=done.batches[0].retry_round + 1,
        since=timestamp(done.now),
        until="",
        quiet_until=done.quiet_until,
        breakdowns=done.breakdowns if is_broken else 0,
        broken_since=done.broken_since if is_broken else None,
    )
    until = done.now + timedelta(seconds=_delay(work, retrying, done))
    return retrying.model_copy(update={"until": until.isoformat()})


def _delay(work: ShardWork, retrying: Retrying, done: Round) -> float:
    """How long to wait for a round: the back-off, or as long as the other side asked for.

    With the downstream down there is no back-off: the breaker says when. After an activity failed
    the wait is as long as infrastructure may need to come back.
    """
    quiet = 0.0
    if retrying.quiet_until is not None:
        quiet = max(0.0, (moment(retrying.quiet_until) - done.now).total_seconds())
    if retrying.broken and not retrying.broken_since:
        return quiet
    if retrying.broken:
        repair = FIRST_REPAIR_SECONDS * 2.0 ** max(0, retrying.breakdowns - 1)
        return max(quiet, min(MAX_REPAIR_SECONDS, repair))
    if done.is_down:
        return 0.0
    seeds = (work.run_id, work.attempt, work.shard, work.partition, work.first_cut)
    # To the microsecond: cut short to milliseconds, a wait would be too short, and like others.
    return backoff_seconds(work.retry, retrying.retry_round, *seeds, at_least_seconds=quiet)
