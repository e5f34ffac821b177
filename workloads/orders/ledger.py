"""A ledger in Table storage: balances and operations, which change together or not at all.

What belongs together shares a partition. An operation is a row of its own, named by its idempotency
key, and is written with its effect in one transaction; so a repeat finds it there and changes
nothing.
"""

import hashlib
import random
import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from fanout.adapters.tables import Row, RowConflictError, Tables, Write
from fanout.errors import PermanentError, TransientError

MAX_RACES = 8
FIRST_PAUSE_SECONDS = 0.01

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
class Ledger:
    """A table whose operations are carried out once each."""

    tables: Tables
    table: str

    def change(
        self,
        partition: str,
        key: str,
        balances: Iterable[str],
        decide: Decide,
        *,
        is_first: bool = False,
    ) -> None:
        """Carry out an operation once.

        Args:
            partition: Where it and what it changes are.
            key: Its idempotency key.
            balances: The rows that it may change.
            decide: Given these rows and the operation as they are (those that there are), says what
                to write; None if all is as it should be.
            is_first: Whether the operation is most likely new: it is looked for only if writing it
                fails, which saves a read.

        Raises:
            LedgerBusyError: It lost too many races.
        """
        name, wanted = operation_key(key), list(balances)
        for race in range(MAX_RACES):
            looked_for = wanted if is_first and race == 0 else [name, *wanted]
            rows = self.tables.read(self.table, partition, looked_for)
            operation = rows.pop(name, None)
            try:
                values = {row: found.values for row, found in rows.items()}
                made = decide(values, _values(operation))
            except PermanentError:
                if name in looked_for:
                    raise
                continue  # what refuses it may be its own effect
            if made is None:
                return
            try:
                self.tables.write(self.table, partition, _writes(name, key, operation, rows, made))
            except RowConflictError:
                # A pause of chance keeps two from meeting again and again.
                pause = FIRST_PAUSE_SECONDS * 2**race
                time.sleep(random.uniform(0, pause))  # noqa: S311  no secret
                continue
            return
        raise LedgerBusyError(f"'{partition}' is being changed by many others")


def _writes(
    name: str, key: str, operation: Row | None, rows: Mapping[str, Row], made: Change
) -> list[Write]:
    writes = [Write(name, {**made.operation, "key": key}, _etag(operation))]
    writes += [Write(row, values, _etag(rows.get(row))) for row, values in made.balances.items()]
    return writes + [Write(entry, values) for entry, values in made.entries.items()]


def _values(row: Row | None) -> Values | None:
    return None if row is None else row.values


def _etag(row: Row | None) -> str | None:
    return None if row is None else row.etag
