"""A ledger in Table storage: balances and operations, which change together or not at all.

Rows that change together share a partition. An operation has a row of its own, named by its
idempotency key and written in one transaction with its effect: a repeat finds the row and changes
nothing. A refusal is stored as well: a repeat is refused again, even if the operation could succeed
by now, because its first caller has gone on without it and would never undo it.
"""

import json
import random
import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, TypedDict

from fanout.adapters.tables import Row, RowConflictError, Tables, Write
from fanout.errors import PermanentError, UnavailableError
from workloads.orders.keys import operation_row_key, owner_of, plain_key

MAX_RACES = 8
FIRST_PAUSE_SECONDS = 0.01

# The property of an operation's row that holds the refusals under its key, by action.
REFUSALS = "refusals"
# The property that says which order of the source it belongs to.
OWNER = "owner"

Values = Mapping[str, Any]


class TakenBackError(PermanentError):
    """The operation was taken back before it came; it must not take effect any more."""


class KeyReusedError(PermanentError):
    """The idempotency key belongs to another operation."""


class LedgerBusyError(UnavailableError):
    """Others kept changing the same rows."""


class Refusal(TypedDict):
    """A refusal as it is stored: the name of the error's class, and its message."""

    type: str
    message: str


@dataclass(frozen=True)
class Change:
    """What an operation writes.

    Attributes:
        operation: The operation itself.
        balances: The rows it changes, by their keys.
        entries: New rows of a journal.
    """

    operation: Values
    balances: Mapping[str, Values] = field(default_factory=dict)
    entries: Mapping[str, Values] = field(default_factory=dict)


Decide = Callable[[Mapping[str, Values], Values | None], Change | None]


@dataclass(frozen=True)
class Call:
    """What to do in a ledger.

    Attributes:
        partition: Where the operation and its balances are.
        key: The operation's idempotency key.
        action: What to do with the operation; a refusal holds for the same action.
        is_undo: Whether it takes something back: nothing, if another order did it. That is refused
            as long as something else stands in its way, and no longer, since a redrive may try it
            again.
    """

    partition: str
    key: str
    action: str
    is_undo: bool = False

    @property
    def row_key(self) -> str:
        """The row key of the operation."""
        return operation_row_key(self.key)


@dataclass(frozen=True)
class Ledger:
    """A table whose operations are carried out once each.

    Attributes:
        refusals: Errors that refuse an operation for good, besides those of this module.
    """

    tables: Tables
    table: str
    refusals: tuple[type[PermanentError], ...] = ()

    def change(
        self,
        call: Call,
        balances: Iterable[str],
        decide: Decide,
        *,
        is_first: bool = False,
    ) -> None:
        """Carry out an operation once, or refuse it from then on.

        Args:
            call: What to do.
            balances: The keys of the rows that it may change.
            decide: Takes those of the rows that exist, and the operation if it exists; returns what
                to write, None if nothing has to change; or refuses by a `PermanentError`.
            is_first: Whether the operation is most likely new: its row is then read only if the
                write fails or the operation is refused, which saves a read.

        Raises:
            KeyReusedError: The operation is that of another order of the same id.
            PermanentError: It is refused, now or by an earlier call.
            LedgerBusyError: It lost too many races.
        """
        balance_keys = list(balances)
        for race in range(MAX_RACES):
            is_blind = is_first and race == 0
            row_keys = balance_keys if is_blind else [call.row_key, *balance_keys]
            rows = self.tables.read(self.table, call.partition, row_keys)
            operation = rows.pop(call.row_key, None)
            if operation is not None and not _is_own(call, operation):
                _insist_on_undo(call)
                return
            writes, refusal = self._plan_writes(call, operation, rows, decide)
            if refusal is not None and is_blind:
                continue  # it may be refused because of its own effect: read the operation first
            if not writes:
                return
            if self._write_or_pause(call, writes, race):
                if refusal is not None:
                    raise refusal
                return
        raise LedgerBusyError(f"'{call.partition}' is being changed by many others")

    def _plan_writes(
        self, call: Call, operation: Row | None, rows: Mapping[str, Row], decide: Decide
    ) -> tuple[list[Write], PermanentError | None]:
        """What to write, and why the operation is refused, if it is."""
        self._repeat_refusal(call, operation)
        try:
            values = {row_key: row.values for row_key, row in rows.items()}
            change = decide(values, _operation_values(operation))
        except KeyReusedError:
            raise  # this operation is not refused: the caller used its key for another one
        except PermanentError as refusal:
            if call.is_undo:
                raise
            return [_refusal_write(call, operation, refusal)], refusal
        return ([] if change is None else _change_writes(call, operation, rows, change)), None

    def _write_or_pause(self, call: Call, writes: list[Write], race: int) -> bool:
        """Write, and return True; where another was faster, pause and return False."""
        try:
            self.tables.write(self.table, call.partition, writes)
        except RowConflictError:
            # A random pause keeps two callers from meeting again and again.
            time.sleep(random.uniform(0, FIRST_PAUSE_SECONDS * 2**race))  # noqa: S311  no secret
            return False
        return True

    def _repeat_refusal(self, call: Call, operation: Row | None) -> None:
        """Raise the error that refused this call earlier, if one did."""
        refusal = _load_refusals(operation).get(call.action)
        if refusal is not None and not call.is_undo:
            kinds = {kind.__name__: kind for kind in (*self.refusals, TakenBackError)}
            raise kinds.get(refusal["type"], PermanentError)(refusal["message"])


def _is_own(call: Call, operation: Row) -> bool:
    """Tell whether an operation is that of the caller; an earlier version noted no owner."""
    owner = owner_of(call.key)
    return bool(operation.values.get(OWNER, owner) == owner)


def _insist_on_undo(call: Call) -> None:
    """Refuse to use what another order has done; to take nothing of it back is no fault.

    Raises:
        KeyReusedError: The call takes nothing back.
    """
    if not call.is_undo:
        raise KeyReusedError("another order of the run has the same id")


def _load_refusals(operation: Row | None) -> dict[str, Refusal]:
    text = operation.values.get(REFUSALS, "{}") if operation is not None else "{}"
    refusals: dict[str, Refusal] = json.loads(text)
    return refusals


def _refusal_write(call: Call, operation: Row | None, error: PermanentError) -> Write:
    """The row of an operation as it was, with one more refusal."""
    refusal = Refusal(type=type(error).__name__, message=str(error))
    refusals = {**_load_refusals(operation), call.action: refusal}
    old_values = {} if operation is None else operation.values
    values = {**old_values, **_names(call), REFUSALS: json.dumps(refusals)}
    return Write(call.row_key, values, _etag(operation))


def _names(call: Call) -> dict[str, str]:
    return {"key": plain_key(call.key), OWNER: owner_of(call.key)}


def _change_writes(
    call: Call, operation: Row | None, rows: Mapping[str, Row], change: Change
) -> list[Write]:
    common = {**_names(call), REFUSALS: json.dumps(_load_refusals(operation))}
    writes = [Write(call.row_key, {**change.operation, **common}, _etag(operation))]
    writes += [Write(key, values, _etag(rows.get(key))) for key, values in change.balances.items()]
    return writes + [Write(key, values) for key, values in change.entries.items()]


def _operation_values(row: Row | None) -> Values | None:
    """The values of an operation that took effect; None where its row has refusals alone."""
    return None if row is None or "state" not in row.values else row.values


def _etag(row: Row | None) -> str | None:
    return None if row is None else row.etag
