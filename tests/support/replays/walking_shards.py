"""Shards that ask how to go on and do as they are told, without an orchestration."""

from dataclasses import dataclass, field
from datetime import datetime, timedelta

from activities.batches.steer import steer_shard
from fanout.adapters.rows.rows import Rows
from fanout.messages.batches import WaveTally
from fanout.messages.shards import Retrying, ShardAsk, ShardCounts, ShardOrder, ShardWork, Wave

ITEMS_A_CUT = 10


@dataclass(frozen=True)
class Came:
    """What becomes of the next wave of a shard.

    Attributes:
        failed: Items given up on, and `again` those that want another round, at most all.
        has_tripped: Whether the downstream was down in it.
    """

    failed: int = 0
    again: int = 0
    has_tripped: bool = False


@dataclass(frozen=True)
class Grant:
    """Items that were to begin at a moment, of a wave or a round."""

    begins: datetime
    items: float


@dataclass
class Walker:
    """A shard.

    Attributes:
        work: Where it is.
        asked: Every question, with its answer.
        grants: What it was told to begin.
        in_flight: Batches that it has begun and not reported.
        has_stopped: Whether it has nothing more to ask.
    """

    work: ShardWork
    asked: list[tuple[ShardAsk, ShardOrder]] = field(default_factory=list)
    grants: list[Grant] = field(default_factory=list)
    in_flight: int = 0
    has_stopped: bool = False

    @property
    def reported(self) -> ShardCounts:
        """What it has told of so far."""
        return self.asked[-1][0].work.counts if self.asked else ShardCounts()

    def question(self, at: str) -> ShardAsk:
        """What it asks next."""
        work = self.work.model_copy(update={"call": self.work.call + 1})
        return ShardAsk(work=work, at=at)

    def step(self, at: str, came: Came, rows: Rows) -> ShardOrder:
        """Ask, and do as is told."""
        asked = self.question(at)
        order = steer_shard(asked, rows)
        self.heard(asked, order, came)
        return order

    def heard(self, asked: ShardAsk, order: ShardOrder, came: Came) -> None:
        """Do as is told."""
        self.asked.append((asked, order))
        told = {"is_probe": False, "has_tripped": False, "has_answered": False}
        self.work = asked.work.model_copy(update=told)
        if self.work.wave is None or order.action == "stop":
            self.in_flight = 0
        if order.action == "stop":
            self.has_stopped = self.work.wave is None
            if self.work.wave is not None:
                self._end_wave(is_complete=False)
        elif order.action == "go":
            self._begin(asked, order, came)

    def _begin(self, asked: ShardAsk, order: ShardOrder, came: Came) -> None:
        work = self.work
        wave = work.wave or Wave(end=min(work.first_cut + order.cuts, work.cuts_here))
        tally = work.tally if work.wave else WaveTally()
        items = work.retrying.items if work.retrying else (wave.end - work.first_cut) * ITEMS_A_CUT
        begins = datetime.fromisoformat(asked.at) + timedelta(seconds=order.wait_seconds)
        self.grants.append(Grant(begins, 1 if order.is_probe else items))
        if work.wave is None:
            self.in_flight = -(-order.cuts // order.span)
        again = 0 if work.retrying else min(came.again, items)
        failed = min(came.failed, items - again)
        tally = tally.model_copy(
            update={
                "succeeded": tally.succeeded + items - again - failed,
                "failed": tally.failed + failed,
                "tried": tally.tried + items,
                "retries": tally.retries + (items if work.retrying else 0),
            }
        )
        update = {"wave": wave, "tally": tally, "began_at": asked.at, "is_probe": order.is_probe}
        update |= {"has_tripped": came.has_tripped, "has_answered": not came.has_tripped}
        self.work = work.model_copy(update=update)
        if not again:
            self._end_wave(is_complete=True)
            return
        waits = Retrying(
            first_cuts=[work.first_cut], items=again, retry_round=1, since=asked.at, until=asked.at
        )
        self.work = self.work.model_copy(update={"retrying": waits})

    def _end_wave(self, *, is_complete: bool) -> None:
        work = self.work
        assert work.wave is not None
        is_through = work.wave.end == work.cuts_here
        update = {
            "sequence": work.sequence + 1,
            "counts": work.counts.plus(work.tally),
            "wave": None,
            "retrying": None,
            "partitions_done": work.partitions_done + (is_through and is_complete),
            "partition": work.partition + work.shards if is_through else work.partition,
            "first_cut": 0 if is_through else work.wave.end,
        }
        self.work = work.model_copy(update=update)
