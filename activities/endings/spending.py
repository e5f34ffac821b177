"""What a run has used, said by the activity that ends it, whose own last operations are to come."""

from fanout.adapters.accounts import current_account
from fanout.messages.run import RunEnd, RunSummary
from fanout.models.usage import Usage
from fanout.pricing.report import report_usage

# What follows after the end is written: the place is freed, the row of the run and the index are
# closed, and the orchestration is told.
AFTER_END = Usage(messages=1, table_reads=2, table_writes=3)
# What follows after the row of the run is closed: that write itself, the index, and the answer.
AFTER_CLOSING = Usage(messages=1, table_writes=2)

# What the summary still takes when it is written.
SUMMARY = Usage(blob_writes=1)


def summarize(end: RunEnd, before: Usage) -> RunSummary:
    """The summary of a run, about to be written.

    Args:
        end: How it ended.
        before: What it had used when this activity was called.
    """
    seen = report_usage(usage_with(before, SUMMARY), end.items.total)
    return RunSummary(**end.model_dump(), usage=seen)


def usage_with(before: Usage, after: Usage) -> Usage:
    """What an attempt has used in the end.

    Args:
        before: What it had used when this activity was called.
        after: What this activity is still to use.
    """
    return before.plus(current_account().activity).plus(after)
