"""A ledger in Table storage: balances and operations, which change together or not at all.

What belongs together shares a partition. An operation is a row of its own, named by its idempotency
key, and is written with its effect in one transaction; so a repeat finds it there and changes
nothing. So is a refusal, without effect: whoever asks again is refused again, whatever there is by
then, for the caller of the first has gone on and would undo nothing.
"""

import hashlib
import json
import random
import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from fanout.adapters.tables import Row, RowConflictError, Tables, Write
from fanout.errors import PermanentError, TransientError

MAX_RACES = 8
FIRST_PAUSE_SECONDS = 0.01

# The property of an operation's row that holds what was refused under its key.
REFUSALS = "refusals"

Values = Mapping[str, Any]


class TakenBackError(PermanentError):
    """The operation was taken back before it came; it must not take effect any more."""


class KeyReusedError(PermanentError):
    """The idempotency key belongs to another operation."""


class LedgerBusyError(TransientError):
    """Others kept changing the same rows."""


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


def operation_key(idempotency_key: str) -> str:
    """The row key of an operation; idempotency keys have letters that row keys must not have."""
    return "op-" + hashlib.sha256(idempotency_key.encode()).hexdigest()[:40]


@dataclass(frozen=True)
class Call:
    """What is asked of a ledger.

    Attributes:
        partition: Where the operation and what it changes are.
        key: The operation's idempotency key.
        what: What is done with it: a refusal holds for the same again.
    """

    partition: str
    key: str
    what: str


@dataclass(frozen=True)
class Ledger:
    """A table whose operations are carried out once each.

    Attributes:
        refusals: The errors that say no for good, besides those of this module.
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
            call: What is asked.
            balances: The rows that it may change.
            decide: Given these rows and the operation as they are (those that there are), says what
                to write, None if all is as it should be; or refuses by a `PermanentError`.
            is_first: Whether the operation is most likely new: it is looked for only if writing it
                fails, or it is refused, which saves a read.

        Raises:
            PermanentError: It is refused, or was.
            LedgerBusyError: It lost too many races.
        """
        name, wanted = operation_key(call.key), list(balances)
        for race in range(MAX_RACES):
            looked_for = wanted if is_first and race == 0 else [name, *wanted]
            rows = self.tables.read(self.table, call.partition, looked_for)
            operation = rows.pop(name, None)
            writes, refusal = self._decided(call, operation, rows, decide)
            if refusal is not None and name not in looked_for:
                continue  # what refuses it may be its own effect
            if not writes:
                return
            if self._is_written(call, writes, race):
                if refusal is not None:
                    raise refusal
                return
        raise LedgerBusyError(f"'{call.partition}' is being changed by many others")

    def _decided(
        self, call: Call, operation: Row | None, rows: Mapping[str, Row], decide: Decide
    ) -> tuple[list[Write], PermanentError | None]:
        """What there is to write, and why the operation is refused, if it is."""
        self._insist_on_unrefused(operation, call)
        try:
            values = {row: found.values for row, found in rows.items()}
            made = decide(values, _values(operation))
        except KeyReusedError:
            raise  # not this operation is refused, but another that takes its key
        except PermanentError as refusal:
            return [_refused(call, operation, refusal)], refusal
        return ([] if made is None else _writes(call, operation, rows, made)), None

    def _is_written(self, call: Call, writes: list[Write], race: int) -> bool:
        try:
            self.tables.write(self.table, call.partition, writes)
        except RowConflictError:
            # A pause of chance keeps two from meeting again and again.
            time.sleep(random.uniform(0, FIRST_PAUSE_SECONDS * 2**race))  # noqa: S311  no secret
            return False
        return True

    def _insist_on_unrefused(self, operation: Row | None, call: Call) -> None:
        told = _refusals(operation).get(call.what)
        if told is not None:
            kinds = {kind.__name__: kind for kind in (*self.refusals, TakenBackError)}
            raise kinds.get(told["type"], PermanentError)(told["message"])


def _refusals(operation: Row | None) -> dict[str, dict[str, str]]:
    found: dict[str, dict[str, str]] = json.loads(
        operation.values.get(REFUSALS, "{}") if operation is not None else "{}"
    )
    return found


def _refused(call: Call, operation: Row | None, refusal: PermanentError) -> Write:
    """The row of an operation as it was, with a refusal besides."""
    told = {"type": type(refusal).__name__, "message": str(refusal)}
    refusals = {**_refusals(operation), call.what: told}
    kept = {} if operation is None else operation.values
    values = {**kept, "key": call.key, REFUSALS: json.dumps(refusals)}
    return Write(operation_key(call.key), values, _etag(operation))


def _writes(
    call: Call, operation: Row | None, rows: Mapping[str, Row], made: Change
) -> list[Write]:
    told = {"key": call.key, REFUSALS: json.dumps(_refusals(operation))}
    name = operation_key(call.key)
    writes = [Write(name, {**made.operation, **told}, _etag(operation))]
    writes += [Write(row, values, _etag(rows.get(row))) for row, values in made.balances.items()]
    return writes + [Write(entry, values) for entry, values in made.entries.items()]


def _values(row: Row | None) -> Values | None:
    """The operation that a row tells of; none if all that it tells is that it was refused."""
    return None if row is None or "state" not in row.values else row.values


def _etag(row: Row | None) -> str | None:
    return None if row is None else row.etag
