"""The row of admission: which runs have a place, and which wait for one."""

from collections.abc import Callable
from typing import TypeVar

from fanout.adapters.rows.rows import Rows
from fanout.governor import admission
from fanout.governor.admission import AdmissionState
from fanout.naming import row_keys

Answer = TypeVar("Answer")


def change_places(
    rows: Rows, rule: Callable[[AdmissionState], tuple[AdmissionState, Answer]]
) -> Answer:
    """Change the row of admission by a rule, and give the rule's answer."""
    return rows.change(row_keys.ADMISSION_PARTITION, row_keys.ADMISSION_ROW, AdmissionState, rule)


def free_place(rows: Rows, instance: str) -> None:
    """Free the place of an attempt that has ended, or its place among those that wait."""
    change_places(rows, lambda state: (admission.leave(state, instance), None))
