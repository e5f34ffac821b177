"""What a run has used, said by the activity that ends it, whose own last operations are to come."""

from fanout.adapters.accounts import current_account
from fanout.governor.run_state import RunState
from fanout.messages.run import RunEnd, RunSummary, SpendingRef
from fanout.models.usage import Usage
from fanout.pricing.report import report_usage

# What follows after the rows are read to write the end, where nobody is to be told: that write, the
# place that is freed, the index, and the answer. The row of places is read first only where another
# process has changed it.
AFTER_END = Usage(messages=1, table_writes=3)
# What follows after the summary is made, as far as that is known: that it is written.
AFTER_SUMMARY = Usage(blob_writes=1)


def with_usage(run: RunState, ask: SpendingRef) -> RunState:
    """The row of a run that has ended, about to be written, with what the attempt has used.

    Args:
        run: The row; one that has not ended, or says so already, stays as it is.
        ask: What this activity was called with.
    """
    if run.end is None or run.usage is not None:
        return run
    return run.model_copy(update={"usage": usage_with(ask, AFTER_END)})


def usage_with(ask: SpendingRef, after: Usage) -> Usage:
    """What an attempt has used by now, and what this activity is still to use."""
    return ask.used_before.plus(current_account().activity).plus(after)


def summarize(end: RunEnd, ask: SpendingRef) -> RunSummary:
    """The summary of a run, about to be written.

    Args:
        end: How it ended.
        ask: What this activity was called with.
    """
    seen = report_usage(usage_with(ask, AFTER_SUMMARY), end.items.total)
    return RunSummary(**end.model_dump(), usage=seen)
