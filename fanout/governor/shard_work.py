"""Where a shard is, and how that changes with what it does and is told."""

from fanout.messages.batches import BatchRef, WaveTally
from fanout.messages.shards import Rest, ShardAsk, ShardEnd, ShardOrder, ShardWork, StopReason, Wave


def make_ask(
    work: ShardWork, at: str, *, is_due: bool = True, rest: Rest | None = None
) -> ShardAsk:
    """What a shard asks; why items failed is reported when the wave is finished, all in one."""
    if work.wave is not None:
        work = work.model_copy(update={"tally": work.tally.model_copy(update={"errors": []})})
    return ShardAsk(work=work, at=at, is_due=is_due, rest=rest)


def clear_report(work: ShardWork) -> ShardWork:
    """The work once it is answered: whoever did knows what the downstream did in the last round."""
    update = {"is_probe": False, "has_tripped": False, "has_answered": False, "is_resumed": False}
    return work.model_copy(update=update)


def begin_round(work: ShardWork, order: ShardOrder, at: str) -> ShardWork:
    """The work when a wave or round of it begins."""
    update: dict[str, object] = {
        "is_probe": order.is_probe,
        "is_resumed": work.is_resumed or order.is_repeated,
        "began_at": at,
    }
    if work.wave is None:
        end = min(work.first_cut + order.cuts, work.cuts_here)
        update |= {"wave": Wave(end=end, span=order.span), "tally": WaveTally()}
        update["box"] = order.box
    work = clear_report(work).model_copy(update=update)
    # Taken up by another execution, it is where the one before shared out a rest.
    return share_out_rest(work, order) if order.starts else work


def share_out_rest(work: ShardWork, order: ShardOrder) -> ShardWork:
    """The work when more batches of its wave begin, with what one of them gave back."""
    wave = work.wave
    if wave is None:
        return work
    starts = sorted({*wave.starts, *order.starts})
    update = {"end": work.first_cut + order.cuts, "starts": starts, "at_once": order.at_once}
    wave = wave.model_copy(update=update)
    return work.model_copy(update={"wave": wave, "box": order.box})


def batches_of_round(work: ShardWork) -> list[BatchRef]:
    """The batches of the wave; of a later round those that have items to try again.

    Those whose activity failed come first, once more in the round in which it did.
    """
    if work.wave is None:
        return []
    retrying, spans = work.retrying, work.wave.spans(work.first_cut)
    first_cuts, retry_round = list(spans), 0
    if retrying is not None:
        first_cuts = retrying.broken or retrying.first_cuts
        retry_round = retrying.retry_round - bool(retrying.broken)
    return [
        work.message(
            BatchRef,
            partition=work.partition,
            first_cut=first_cut,
            span=spans[first_cut],
            retry_round=retry_round,
            is_repeated=work.is_resumed or bool(retrying and retrying.broken),
        )
        for first_cut in (first_cuts[:1] if work.is_probe else first_cuts)
    ]


def note_rests(work: ShardWork, rests: list[int]) -> ShardWork:
    """The work when batches of its wave have given back their rests, which begin there.

    The end of a wave is left to the next one; a rest between other batches becomes a batch.
    """
    wave = work.wave
    if wave is None or not rests:
        return work
    at_once = wave.at_once or len(wave.spans(work.first_cut))
    starts = sorted({*wave.starts, *rests})
    last = max(wave.model_copy(update={"starts": starts}).spans(work.first_cut))
    if last in rests:
        starts.remove(last)
        wave = wave.model_copy(update={"end": last})
    update = {"starts": starts, "at_once": at_once}
    return work.model_copy(update={"wave": wave.model_copy(update=update)})


def end_wave(work: ShardWork, *, is_complete: bool) -> ShardWork:
    """Move on to the next wave; one that was given up leaves items pending."""
    end = work.wave.end if work.wave else work.first_cut
    is_through = end == work.cuts_here
    return work.model_copy(
        update={
            "sequence": work.sequence + 1,
            "counts": work.counts.plus(work.tally),
            "wave": None,
            "retrying": None,
            "partitions_done": work.partitions_done + int(is_through and is_complete),
            "partition": work.partition + work.shards if is_through else work.partition,
            "first_cut": 0 if is_through else end,
        }
    )


def end_shard(work: ShardWork, reason: StopReason) -> ShardEnd:
    """What all waves came to."""
    return ShardEnd(counts=work.counts, reason=reason)
