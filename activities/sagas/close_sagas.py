"""The activity `close_sagas`: writes the part file of a batch some sagas of which went on apart."""

from activities.sagas.saga_courses import SagaCourses
from activities.sagas.saga_files import find_ends, open_items, read_batch, saga_steps
from activities.sagas.saga_part import write_saga_part
from fanout.adapters.run_files.files import RunFiles, files_of
from fanout.messages.batches import BatchRef, BatchResult


def close_sagas(ask: BatchRef) -> BatchResult:
    """Close the sagas of a batch."""
    return close_batch(ask, files_of(ask))


def close_batch(ref: BatchRef, files: RunFiles) -> BatchResult:
    """Write the part file of a batch whose sagas are over; one without an end stays pending."""
    batch = read_batch(files, ref)
    items = open_items(batch)
    courses = SagaCourses(ref, saga_steps(files, ref), items)
    courses.follow(batch.waves)
    ends = courses.ends()
    apart = [item for item in items if item.index not in ends]
    return write_saga_part(ref, files, batch, ends | find_ends(files, ref, apart))
