"""How a batch gives back a rest: by a record in place of its part, and an event that tells it."""

from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from itertools import accumulate

from activities.batches.boxes.box_watch import BoxWatch
from activities.batches.boxes.stretch import Stretch
from activities.events import RaiseEvent
from fanout.adapters.run_files.files import RunFiles, kept_partition
from fanout.adapters.run_files.intact import read_part, write_part
from fanout.messages.batches import BatchRef, ProcessAsk
from fanout.messages.rests import RestNews
from fanout.models.plan import Cut
from fanout.naming import blob_paths
from fanout.outcomes.rests import read_rest_record, rest_record


def batch_part_path(ref: BatchRef) -> str:
    return blob_paths.part_path(ref.run_id, blob_paths.generation(ref.attempt), ref.name)


def kept_cuts(ref: BatchRef, part: bytes, files: RunFiles) -> int | None:
    """How many cuts a batch has kept, where it has given back the others."""
    items = read_rest_record(part)
    if items is None:
        return None
    counts = [*accumulate(cut.items for cut in batch_cuts(ref, files))]
    return counts.index(items) + 1


def batch_cuts(ref: BatchRef, files: RunFiles) -> list[Cut]:
    generation = blob_paths.generation(ref.attempt)
    cuts = kept_partition(files, ref.run_id, ref.partition, generation).cuts
    return cuts[ref.first_cut : ref.first_cut + ref.span]


def watch(
    ask: ProcessAsk, stretch: Stretch, files: RunFiles, raise_event: RaiseEvent
) -> AbstractContextManager[None]:
    """Have a batch in a time box give back what it has not begun when that is over."""
    if ask.box is None:
        return nullcontext()

    def tell(kept: int, item_ms: float) -> None:
        if ask.instance:
            value = RestNews(cuts=kept, item_ms=item_ms).dump()
            raise_event(ask.instance, ask.event, value)

    return BoxWatch(stretch, ask.box, give_back_by(ask, stretch, files), tell).watch()


def give_back_by(ref: BatchRef, stretch: Stretch, files: RunFiles) -> Callable[[int], int | None]:
    """How a batch gives back all but some of its cuts, as `Stretch.cut_short` wants it."""
    part = batch_part_path(ref)

    def give_back(kept: int) -> int | None:
        first, middle, end = stretch.bounds[0], stretch.bounds[kept], stretch.bounds[-1]
        record = rest_record(first, middle - first, end - middle)
        if write_part(files, part, record):
            return kept
        return kept_cuts(ref, read_part(files, part), files)

    return give_back
