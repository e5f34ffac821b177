"""The rows of an attempt of a run, read together; `fanout.governor.run_state` has their models."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeVar

from fanout.adapters.rows.rows import Rows, tries, unpack_model
from fanout.adapters.tables import RowConflictError
from fanout.governor.run_state import ControlState, GovernorState, PaceState, RunState, ShardState
from fanout.naming import row_keys

Answer = TypeVar("Answer")
# Gives the rows as they are to be, and an answer.
Rule = Callable[[GovernorState], tuple[GovernorState, Answer]]


@dataclass(frozen=True)
class AttemptRows:
    """The rows of an attempt as they were read, with the ETag of each that there is."""

    state: GovernorState
    etags: dict[str, str]


def read_attempt(rows: Rows, run_id: str, attempt: int) -> AttemptRows:
    """Read all rows of an attempt; none are there before it begins."""
    rows_by_key = rows.read_all(row_keys.attempt_partition(run_id, attempt))
    shards = {
        key: unpack_model(row, ShardState)
        for key, row in rows_by_key.items()
        if row_keys.parse_shard_row(key) is not None
    }
    state = GovernorState(
        run=unpack_model(rows_by_key.get(row_keys.RUN_ROW), RunState),
        control=unpack_model(rows_by_key.get(row_keys.CONTROL_ROW), ControlState),
        pace=unpack_model(rows_by_key.get(row_keys.RATE_ROW), PaceState),
        shards=shards,
    )
    return AttemptRows(state, {key: row.etag for key, row in rows_by_key.items()})


def has_begun_undo(rows: Rows, run_id: str, attempt: int) -> bool:
    """Tell whether a run is being compensated, or was, by its attempts up to this one.

    The newest that was planned knows it of those before.
    """
    for number in range(attempt, 0, -1):
        run = rows.load(row_keys.attempt_partition(run_id, number), row_keys.RUN_ROW, RunState)
        if run.plan is not None:
            return run.has_begun_undo
    return False


def change_attempt(
    rows: Rows,
    run_id: str,
    attempt: int,
    rule: Rule[Answer],
    known: AttemptRows | None = None,
) -> Answer:
    """Change rows of an attempt by a rule, and give the rule's answer; as `apply_rule` does."""
    return apply_rule(rows, run_id, attempt, rule, known)[1]


def apply_rule(
    rows: Rows,
    run_id: str,
    attempt: int,
    rule: Rule[Answer],
    known: AttemptRows | None = None,
) -> tuple[AttemptRows, Answer]:
    """Change rows of an attempt by a rule, together or not at all.

    Args:
        rows: The rows.
        run_id: The run.
        attempt: The attempt.
        rule: Gives the rows as they are to be, and the answer.
        known: The rows as they were read; they are read anew if they have changed, or if None.

    Returns:
        The rows as they are then, and the rule's answer.

    Raises:
        RowContentionError: Others changed one of them each time.
    """
    for _ in tries():
        before, known = known or read_attempt(rows, run_id, attempt), None
        after, answer = rule(before.state)
        try:
            return write_changes(rows, run_id, attempt, before, after), answer
        except RowConflictError:
            continue
    raise AssertionError("tries() ends by raising")


def write_changes(
    rows: Rows, run_id: str, attempt: int, before: AttemptRows, after: GovernorState
) -> AttemptRows:
    """Write those rows that differ from what was read, all or none; give all as they are then.

    Raises:
        RowConflictError: Somebody changed one of them.
    """
    old_models, new_models = _models(before.state), _models(after)
    models = {key: model for key, model in new_models.items() if model != old_models.get(key)}
    if not models:
        return before
    partition = row_keys.attempt_partition(run_id, attempt)
    return AttemptRows(after, before.etags | rows.write(partition, models, before.etags))


def _models(state: GovernorState) -> dict[str, object]:
    return {
        row_keys.RUN_ROW: state.run,
        row_keys.CONTROL_ROW: state.control,
        row_keys.RATE_ROW: state.pace,
        **state.shards,
    }
