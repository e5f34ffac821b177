"""A workload whose effects are rows of a ledger, keyed so that a repetition changes nothing.

How an item fares follows from its number alone, so a test can say beforehand what must come of it.
"""

import hashlib
import sqlite3
import threading
import time
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

from pydantic import BaseModel, ConfigDict

from fanout.errors import PermanentError, TransientError
from fanout.workload import Context, MapWorkload
from workloads import registry

TRANSIENT_PERCENT = 20
PERMANENT_PERCENT = 1
MAX_TRANSIENT_FAILURES = 3
MAX_ATTEMPTS = MAX_TRANSIENT_FAILURES + 1
BUSY_SECONDS = 60

_SCHEMA = """
PRAGMA journal_mode = WAL;
CREATE TABLE effects (key TEXT PRIMARY KEY, item INTEGER NOT NULL);
CREATE TABLE undone (key TEXT PRIMARY KEY, item INTEGER NOT NULL);
CREATE TABLE calls (step TEXT PRIMARY KEY, made INTEGER NOT NULL, effective INTEGER NOT NULL);
INSERT INTO calls VALUES ('effects', 0, 0), ('undone', 0, 0);
CREATE TABLE faults (are_on INTEGER NOT NULL);
INSERT INTO faults VALUES (1);
"""


@dataclass(frozen=True)
class Fate:
    """How an item fares: transient failures first, then its end.

    Attributes:
        transient: How many attempts fail before that end.
        is_ambiguous: Whether those attempts fail after their effect, as a lost answer does.
    """

    transient: int
    is_permanent: bool
    is_ambiguous: bool

    @property
    def attempts(self) -> int:
        """How many attempts it takes."""
        return self.transient + 1


def fate_of(item: int) -> Fate:
    """Draw the fate of an item, the same wherever it is asked for."""
    digest = hashlib.blake2b(str(item).encode(), digest_size=8).digest()
    draw = int.from_bytes(digest[:4], "big") % 10_000 / 100
    is_permanent = draw < PERMANENT_PERCENT
    # Half of the permanent ones fail transiently first.
    is_transient = draw < PERMANENT_PERCENT / 2 or 0 <= draw - PERMANENT_PERCENT < TRANSIENT_PERCENT
    transient = 1 + digest[4] % MAX_TRANSIENT_FAILURES if is_transient else 0
    return Fate(transient, is_permanent, not is_permanent and digest[5] % 2 == 0)


class Ledger:
    """The database of effects, shared by the workers and the test."""

    def __init__(self, path: Path) -> None:
        self._connection = sqlite3.connect(path, timeout=BUSY_SECONDS, isolation_level=None)
        # Processes are killed, not the machine: what is written is not lost without this.
        self._connection.execute("PRAGMA synchronous = OFF")

    @classmethod
    def create(cls, path: Path) -> "Ledger":
        """Make a new one."""
        ledger = cls(path)
        ledger._connection.executescript(_SCHEMA)
        return ledger

    def enter(self, table: str, key: str, item: int) -> None:
        """Enter a row unless its key is there, and count the call either way."""
        with self._connection as connection:
            connection.execute("BEGIN IMMEDIATE")
            entered = connection.execute(
                f"INSERT OR IGNORE INTO {table} VALUES (?, ?)", (key, item)
            ).rowcount
            connection.execute(
                "UPDATE calls SET made = made + 1, effective = effective + ? WHERE step = ?",
                (entered, table),
            )

    def rows(self, table: str) -> list[tuple[str, int]]:
        """Every key and item, in the order of items."""
        found = self._connection.execute(f"SELECT key, item FROM {table} ORDER BY item, key")
        return [(str(key), int(item)) for key, item in found]

    def calls(self, table: str) -> tuple[int, int]:
        """How many calls were made for a table, and how many of them had an effect."""
        query = "SELECT made, effective FROM calls WHERE step = ?"
        made, effective = self._connection.execute(query, (table,)).fetchone()
        return int(made), int(effective)

    def end_faults(self) -> None:
        """From now on every item succeeds."""
        self._connection.execute("UPDATE faults SET are_on = 0")

    @property
    def has_faults(self) -> bool:
        """Whether items still have their fate."""
        return bool(self._connection.execute("SELECT are_on FROM faults").fetchone()[0])

    def close(self) -> None:
        """Close the database."""
        self._connection.close()


class LedgerItem(BaseModel):
    """An item: its number."""

    id: int


class LedgerParameters(BaseModel):
    """Where the ledger is, how long an item takes, whether failures may come after effects."""

    model_config = ConfigDict(extra="forbid")

    path: str
    seconds: float = 0.0
    may_be_ambiguous: bool = True


class LedgerWorkload(MapWorkload[LedgerItem, LedgerParameters]):
    """Enters each item into the ledger."""

    name: ClassVar[str] = "ledger"
    item_model = LedgerItem
    parameters_model = LedgerParameters
    _open: ClassVar[threading.local] = threading.local()

    def item_id(self, item: LedgerItem) -> str:
        return str(item.id)

    def process(self, item: LedgerItem, context: Context[LedgerParameters]) -> int:
        ledger, wanted = self._ledger(context.parameters.path), context.parameters
        if wanted.seconds:
            time.sleep(wanted.seconds)
        fate = fate_of(item.id) if ledger.has_faults else Fate(0, False, False)
        is_early = context.attempt <= fate.transient
        if is_early and not (fate.is_ambiguous and wanted.may_be_ambiguous):
            raise TransientError("not yet")
        if fate.is_permanent and not is_early:
            raise PermanentError("never")
        ledger.enter("effects", context.idempotency_key, item.id)
        if is_early:
            raise TransientError("the answer was lost")
        return item.id

    def compensate(self, item: LedgerItem, output: int, context: Context[LedgerParameters]) -> None:
        assert output == item.id
        if context.attempt <= fate_of(item.id).transient:
            raise TransientError("not yet")
        self._ledger(context.parameters.path).enter("undone", context.idempotency_key, item.id)

    def _ledger(self, path: str) -> Ledger:
        known: dict[str, Ledger] = self._open.__dict__.setdefault("ledgers", {})
        if path not in known:
            known[path] = Ledger(Path(path))
        return known[path]


registry.register(LedgerWorkload())
