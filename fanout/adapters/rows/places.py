"""The row of admission: which runs have a place, and which wait for one."""

from collections.abc import Callable
from typing import TypeVar

from fanout.adapters.rows.rows import Rows, unpack_passing
from fanout.governor import admission
from fanout.governor.admission import AdmissionState, Entry, Turn
from fanout.naming import row_keys

Answer = TypeVar("Answer")


def enter(rows: Rows, entry: Entry) -> Turn:
    """Let a run begin when it is its turn; until then it waits."""
    return change_places(rows, lambda state: admission.enter(state, entry))


def leave(rows: Rows, instance: str, at: str) -> tuple[str, ...]:
    """Free the place of an attempt that has ended, or its place among those that wait.

    Args:
        rows: The rows.
        instance: Its orchestration.
        at: When that is, ISO 8601 in UTC.

    Returns:
        Those whose turn it is now, by orchestration; whoever calls this wakes them.
    """
    return change_places(rows, lambda state: admission.leave(state, instance, at))


def read_places(rows: Rows) -> AdmissionState:
    """Read who has a place, and who waits."""
    return rows.load(
        row_keys.ADMISSION_PARTITION, row_keys.ADMISSION_ROW, AdmissionState, unpack_passing
    )


def change_places(
    rows: Rows, rule: Callable[[AdmissionState], tuple[AdmissionState, Answer]]
) -> Answer:
    """Change the row of admission by a rule, and give the rule's answer."""
    return rows.change_together(
        row_keys.ADMISSION_PARTITION, row_keys.ADMISSION_ROW, AdmissionState, rule
    )
