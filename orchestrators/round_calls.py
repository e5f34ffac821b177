"""Carrying out a round: its batches all at once, and more of them when one gives back its rest."""

import sys
from collections.abc import Generator
from dataclasses import dataclass, field
from typing import Any

from fanout.durable import orchestration as durable
from fanout.governor.shard_work import batches_of_round, make_ask, share_out_rest
from fanout.messages.batches import BatchRef, ProcessAsk
from fanout.messages.rests import RestNews, rest_event
from fanout.messages.shards import Rest, ShardOrder, ShardWork
from fanout.naming import functions
from fanout.naming.instance_ids import saga_batch_instance
from orchestrators.accounts import note_message
from orchestrators.calling import call_all, call_insistently
from orchestrators.calls import Activity, Call, Child
from orchestrators.clock import now, timestamp
from orchestrators.rounds import Round
from orchestrators.scout import Scout
from orchestrators.tasks import TaskResult, await_task, result_of

Carrying = Generator[Any, Any, tuple[ShardWork, Round]]


def carry_out_round(context: Any, work: ShardWork, scout: Scout | None = None) -> Carrying:
    """Carry out a round.

    Args:
        context: Of the orchestration.
        work: Where the shard is.
        scout: What carries out the first batch already; None has all of them called.

    Returns:
        Where the shard is then, and what the batches came to.
    """
    batches = batches_of_round(work)
    if scout is not None and scout.result is not None:
        answers = [scout.answer]
    elif scout is None and not _may_give_back(work, batches) and not _is_too_wide(work, batches):
        answers = yield from call_all(context, [_call(context, work, batch) for batch in batches])
    else:
        at_work = AtWork(context, work)
        return (yield from at_work.carry_out(batches, scout))
    is_undo = work.stage == "compensate"
    return work, Round(now(context), work.retrying, batches, answers, is_undo=is_undo)


def _may_give_back(work: ShardWork, batches: list[BatchRef]) -> bool:
    is_first = work.retrying is None and work.stage == "process" and not work.is_saga
    return is_first and work.box is not None and any(batch.span > 1 for batch in batches)


def _is_too_wide(work: ShardWork, batches: list[BatchRef]) -> bool:
    at_once = work.wave.at_once if work.wave is not None else None
    return at_once is not None and len(batches) > at_once


def _call(context: Any, work: ShardWork, batch: BatchRef) -> Call:
    if work.stage == "compensate":
        return Activity(context, functions.COMPENSATE_BATCH, batch, once=True)
    if work.is_saga:
        instance = saga_batch_instance(work.instance, batch.name)
        return Child(context, functions.SAGA_BATCH, batch, instance)
    ask = ProcessAsk(**batch.model_dump(), is_probe=work.is_probe)
    if work.retrying is None and batch.span > 1 and work.box is not None:
        event = rest_event(batch.name)
        update = {"box": work.box, "instance": context.instance_id, "event": event}
        ask = ask.model_copy(update=update)
    return Activity(context, functions.PROCESS_BATCH, ask, once=True)


@dataclass
class AtWork:
    """Batches at work, some of which may give back their rests.

    Attributes:
        calls: What carries out each batch, by first cut.
        scout: What carries out the first batch instead, if there is one.
        tasks: What that comes to.
        events: What tells that a batch gives back its rest.
        waiting: Batches that begin when others have ended.
        rests: What was given back, and nobody has yet.
        full: With so many at work there was no room for more.
    """

    context: Any
    work: ShardWork
    batches: list[BatchRef] = field(default_factory=list)
    calls: dict[int, Call] = field(default_factory=dict)
    scout: Scout | None = None
    tasks: dict[int, Any] = field(default_factory=dict)
    events: dict[int, Any] = field(default_factory=dict)
    waiting: list[BatchRef] = field(default_factory=list)
    rests: list[tuple[BatchRef, RestNews]] = field(default_factory=list)
    full: int = sys.maxsize

    def carry_out(self, batches: list[BatchRef], scout: Scout | None) -> Carrying:
        """Have batches carried out, and what they give back by others."""
        first, *others = batches
        if scout is not None and scout.news is not None:
            self.scout = scout
            self.batches.append(first)
            self.tasks[first.first_cut] = scout.task
            self.rests.append((first, scout.news))
            batches = others
        self.waiting = [*batches]
        while self.running or self.waiting:
            self._begin_waiting()
            yield from self._share_out()
            if self.running:
                yield from self._wait()
        answers = [self._answer(batch) for batch in self.batches]
        mistaken = [n for n, answer in enumerate(answers) if answer.is_mistaken]
        # They may have been carried out, and have given back their rests.
        repeated = [self.batches[n].model_copy(update={"is_repeated": True}) for n in mistaken]
        calls = [_call(self.context, self.work, batch) for batch in repeated]
        again = yield from call_all(self.context, calls)
        for number, answer in zip(mistaken, again, strict=True):
            answers[number] = answer
        return self.work, Round(now(self.context), self.work.retrying, self.batches, answers)

    @property
    def running(self) -> list[Any]:
        """The tasks that have not ended."""
        return [task for task in self.tasks.values() if not durable.is_completed(task)]

    def _begin_waiting(self) -> None:
        at_once = self.work.wave.at_once if self.work.wave is not None else None
        while self.waiting and (at_once is None or len(self.running) < at_once):
            self._begin(self.waiting.pop(0))

    def _begin(self, batch: BatchRef) -> None:
        key = batch.first_cut
        self.batches.append(batch)
        self.calls[key] = _call(self.context, self.work, batch)
        self.tasks[key] = self.calls[key]()
        if batch.span > 1 and self.work.box is not None:
            self.events[key] = durable.wait_for_event(self.context, rest_event(batch.name))

    def _wait(self) -> Generator[Any, Any, None]:
        """Wait until all have ended, or one gives back a rest; if rests wait, until one ends."""
        running = self.running
        ends = running if self.rests or self.waiting else [durable.all_of(self.context, running)]
        open_events = [event for key, event in self.events.items() if not self._has_ended(key)]
        yield from await_task(durable.any_of(self.context, [*ends, *open_events]))
        durable.release(self.context, self.running)
        for batch in self.batches:
            event = self.events.get(batch.first_cut)
            if event is not None and durable.is_completed(event):
                note_message(self.context)
                del self.events[batch.first_cut]
                news = RestNews.load(durable.value_of(event))
                if news is not None and 0 < news.cuts < batch.span:
                    self.rests.append((batch, news))

    def _has_ended(self, key: int) -> bool:
        return durable.is_completed(self.tasks[key])

    def _share_out(self) -> Generator[Any, Any, None]:
        """Ask which batches are to begin with the rests; if one must wait, so must the others."""
        while self.rests and not self.waiting and len(self.running) < self.full:
            under_way = len(self.running)  # when it asks: some may end until it is answered
            order = yield from self._ask(*self.rests[0])
            if order.action == "wait":
                self.full = under_way
                return
            del self.rests[0]
            if order.action == "go":
                self._begin_more(order)

    def _begin_more(self, order: ShardOrder) -> None:
        """Have batches begin; where there was room for more than before, there may be yet more."""
        self.work = share_out_rest(self.work, order)
        known = {known.first_cut for known in self.batches}
        for batch in batches_of_round(self.work):
            if batch.first_cut not in known:
                self._begin(batch)
        if len(self.running) > self.full:
            self.full = sys.maxsize

    def _ask(self, batch: BatchRef, news: RestNews) -> Generator[Any, Any, ShardOrder]:
        self.work = self.work.model_copy(update={"call": self.work.call + 1})
        rest = Rest(
            first_cut=batch.first_cut + news.cuts,
            end=batch.first_cut + batch.span,
            item_ms=news.item_ms,
            under_way=len(self.running),
        )
        ask = make_ask(self.work, timestamp(now(self.context)), rest=rest)
        result = yield from call_insistently(
            self.context, Activity(self.context, functions.STEER, ask, once=True)
        )
        if result.failure is not None:
            return ShardOrder(action="stop")
        return ShardOrder.model_validate(result.value)

    def _answer(self, batch: BatchRef) -> TaskResult:
        call = self.calls.get(batch.first_cut)
        if call is None and self.scout is not None:
            return self.scout.answer
        return result_of(self.tasks[batch.first_cut]).as_answer_to(self.calls[batch.first_cut])
