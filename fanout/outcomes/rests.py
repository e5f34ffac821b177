"""What a batch leaves in place of its part when it gives back the end of its cuts.

Then no execution of the batch can write the part of the whole batch any more, for the first to
write a part decides it: those items that it keeps get a part of their own. To whoever reads parts
it says the truth: all its items are pending. A part reaches past the beginning of another one only
if it is such a record.
"""

from fanout.models.outcome import Outcome
from fanout.outcomes.lines import range_line, status_of

# Two lines of numbers have fewer.
MAX_RECORD_BYTES = 400


def rest_record(first_index: int, kept: int, given_back: int) -> bytes:
    """Write the record.

    Args:
        first_index: Of the first item of the batch.
        kept: How many items the batch keeps, from the first.
        given_back: How many it gives back.
    """
    kept_line = range_line("pending", first_index, kept, 0)
    return kept_line + range_line("pending", first_index + kept, given_back, 0)


def read_rest_record(part: bytes) -> int | None:
    """Tell how many items a batch has kept; None if this is the part of a batch that kept all."""
    lines = part.splitlines()
    if len(lines) != 2 or any(status_of(line) != "pending" for line in lines):
        return None
    kept, given_back = (Outcome.model_validate_json(line) for line in lines)
    # What waits for another round says why.
    if kept.error is not None or given_back.error is not None or kept.attempts:
        return None
    return kept.count


def first_lines(part: bytes, end: int) -> bytes:
    """Those lines of a part that are about items before an index; what is about both is cut."""
    return b"".join(_first_part(line, end) for line in part.splitlines(keepends=True))


def _first_part(line: bytes, end: int) -> bytes:
    outcome = Outcome.model_validate_json(line)
    if outcome.index + outcome.count <= end:
        return line
    if outcome.index >= end:
        return b""
    kept = end - outcome.index
    return range_line(outcome.status, outcome.index, kept, outcome.attempts, outcome.error)
