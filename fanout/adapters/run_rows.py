"""The rows of an attempt of a run, read together; see `fanout.governor` for what each holds."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeVar

from fanout import ids
from fanout.adapters.rows import Rows, tries, unpacked
from fanout.adapters.tables import RowConflictError
from fanout.governor import ControlState, GovernorState, PaceState, RunState, ShardState

Answer = TypeVar("Answer")


@dataclass(frozen=True)
class Known:
    """The rows of an attempt as they were read, with the ETag of each that there is."""

    state: GovernorState
    etags: dict[str, str]


def read_attempt(rows: Rows, run_id: str, attempt: int) -> Known:
    """Read all rows of an attempt; none are there before it begins."""
    found = rows.all(ids.attempt_partition(run_id, attempt))
    shards = {
        key: unpacked(row, ShardState)
        for key, row in found.items()
        if ids.shard_number(key) is not None
    }
    state = GovernorState(
        run=unpacked(found.get(ids.RUN_ROW), RunState),
        control=unpacked(found.get(ids.CONTROL_ROW), ControlState),
        pace=unpacked(found.get(ids.RATE_ROW), PaceState),
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
        rows.write(ids.attempt_partition(run_id, attempt), models, known.etags)


def _models(state: GovernorState) -> dict[str, object]:
    return {
        ids.RUN_ROW: state.run,
        ids.CONTROL_ROW: state.control,
        ids.RATE_ROW: state.pace,
        **state.shards,
    }
