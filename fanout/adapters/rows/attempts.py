"""The rows of an attempt of a run, read together; `fanout.governor.run_state` has their models."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeVar

from fanout.adapters.rows.rows import Rows, tries, unpacked
from fanout.adapters.tables import RowConflictError
from fanout.governor.run_state import ControlState, GovernorState, PaceState, RunState, ShardState
from fanout.naming import row_keys

Answer = TypeVar("Answer")


@dataclass(frozen=True)
class Known:
    """The rows of an attempt as they were read, with the ETag of each that there is."""

    state: GovernorState
    etags: dict[str, str]


def read_attempt(rows: Rows, run_id: str, attempt: int) -> Known:
    """Read all rows of an attempt; none are there before it begins."""
    found = rows.all(row_keys.attempt_partition(run_id, attempt))
    shards = {
        key: unpacked(row, ShardState)
        for key, row in found.items()
        if row_keys.shard_number(key) is not None
    }
    state = GovernorState(
        run=unpacked(found.get(row_keys.RUN_ROW), RunState),
        control=unpacked(found.get(row_keys.CONTROL_ROW), ControlState),
        pace=unpacked(found.get(row_keys.RATE_ROW), PaceState),
        shards=shards,
    )
    return Known(state, {key: row.etag for key, row in found.items()})


def change_attempt(
    rows: Rows,
    run_id: str,
    attempt: int,
    rule: Callable[[GovernorState], tuple[GovernorState, Answer]],
) -> Answer:
    """Change rows of an attempt by a rule, together or not at all; give the rule's answer.

    Raises:
        RowContentionError: Others changed one of them each time.
    """
    for _ in tries():
        known = read_attempt(rows, run_id, attempt)
        changed, answer = rule(known.state)
        try:
            write_changes(rows, run_id, attempt, known, changed)
        except RowConflictError:
            continue
        return answer
    raise AssertionError("tries() ends by raising")


def write_changes(
    rows: Rows, run_id: str, attempt: int, known: Known, changed: GovernorState
) -> None:
    """Write those rows that differ from what was read, all or none.

    Raises:
        RowConflictError: Somebody changed one of them.
    """
    before, after = _models(known.state), _models(changed)
    models = {key: model for key, model in after.items() if model != before.get(key)}
    if models:
        rows.write(row_keys.attempt_partition(run_id, attempt), models, known.etags)


def _models(state: GovernorState) -> dict[str, object]:
    return {
        row_keys.RUN_ROW: state.run,
        row_keys.CONTROL_ROW: state.control,
        row_keys.RATE_ROW: state.pace,
        **state.shards,
    }
