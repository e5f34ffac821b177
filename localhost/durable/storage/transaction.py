"""One step of the engine as rows to write: it is on disk as a whole, or not at all."""

from collections.abc import Collection, Iterable, Sequence
from typing import Any

from localhost.durable.storage.payloads import Payloads
from localhost.durable.storage.values import storable_row

Statement = tuple[str, tuple[Any, ...]]

_INSERT_INSTANCE = (
    "INSERT INTO instances (instance_id, name, execution_id, version, status, input, created_at,"
    " updated_at, parent_id, parent_execution_id, parent_task, trace_parent)"
    " VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)"
)
_DELETE_INSTANCE = tuple(
    f"DELETE FROM {table} WHERE instance_id = ?"  # noqa: S608 - the names stand on the next line
    for table in ("instances", "history", "inbox", "payloads")
)


class Transaction(Payloads):
    """Collects the writes of one step, in order.

    Every method raises `UnstorableError` for a value that the store cannot hold.
    """

    __slots__ = ("statements",)

    def __init__(self) -> None:
        super().__init__()
        self.statements: list[Statement] = []

    def _add(self, sql: str, *values: Any) -> None:
        self.statements.append((sql, storable_row(values)))

    def extend(self, other: "Transaction") -> None:
        """Write what another writes, after one's own."""
        self.statements += other.statements

    def keep_payloads(self, instance_id: str) -> None:
        """Store the large texts encoded since the last call, on behalf of one instance."""
        for payload_id, text in self.texts.items():
            self._add("INSERT INTO payloads VALUES (?, ?, ?)", payload_id, instance_id, text)
        self.texts = {}

    def delete_instance(self, instance_id: str) -> None:
        """Remove every trace of an instance."""
        for sql in _DELETE_INSTANCE:
            self._add(sql, instance_id)

    def insert_instance(self, row: Sequence[Any]) -> None:
        """Create an instance; the row is in the order of `_INSERT_INSTANCE`."""
        self.delete_instance(row[0])
        self._add(_INSERT_INSTANCE, *row)

    def update_instance(self, instance_id: str, **columns: Any) -> None:
        """Change columns of an instance; their names are the caller's own words."""
        names = ", ".join(f"{name} = ?" for name in columns)
        sql = f"UPDATE instances SET {names} WHERE instance_id = ?"  # noqa: S608
        self._add(sql, *columns.values(), instance_id)

    def append_turn(self, instance_id: str, turn: int, events: str, notes: str | None) -> None:
        """Add a turn to a history."""
        self._add("INSERT INTO history VALUES (?, ?, ?, ?)", instance_id, turn, events, notes)

    def replace_history(self, instance_id: str, turns: Sequence[tuple[str, str | None]]) -> None:
        """Write a history anew; its payloads stay."""
        self._add("DELETE FROM history WHERE instance_id = ?", instance_id)
        for number, (events, notes) in enumerate(turns):
            self.append_turn(instance_id, number, events, notes)

    def clear_history(self, instance_id: str, kept_payloads: Collection[str]) -> None:
        """Forget an execution: its history, its completions, its payloads but for some."""
        self._add("DELETE FROM history WHERE instance_id = ?", instance_id)
        self._add("DELETE FROM inbox WHERE instance_id = ? AND name IS NULL", instance_id)
        marks = ", ".join("?" * len(kept_payloads))
        sql = f"DELETE FROM payloads WHERE instance_id = ? AND payload_id NOT IN ({marks})"  # noqa: S608
        self._add(sql, instance_id, *kept_payloads)

    def receive(
        self, seq: int, instance_id: str, execution_id: str | None, name: str | None, events: str
    ) -> None:
        """Put completions (for one execution) or an external event (with its name) in an inbox."""
        self._add(
            "INSERT INTO inbox VALUES (?, ?, ?, ?, ?)", seq, instance_id, execution_id, name, events
        )

    def consume_completions(self, instance_id: str, up_to: int) -> None:
        """Take completions out of an inbox."""
        self._add(
            "DELETE FROM inbox WHERE instance_id = ? AND seq <= ? AND name IS NULL",
            instance_id,
            up_to,
        )

    def consume_events(self, seqs: Iterable[int]) -> None:
        """Take external events out of an inbox."""
        for seq in seqs:
            self._add("DELETE FROM inbox WHERE seq = ?", seq)

    def clear_inbox(self, instance_id: str) -> None:
        """Drop whatever is in an inbox: nothing will read it any more."""
        self._add("DELETE FROM inbox WHERE instance_id = ?", instance_id)

    def put_entity(self, name: str, key: str, state: str | None, at: str) -> None:
        """Store an entity's state, None where it deleted itself: its row stays until purged."""
        self._add("INSERT OR REPLACE INTO entities VALUES (?, ?, ?, ?)", name, key, state, at)

    def delete_entity(self, name: str, key: str) -> None:
        """Remove an entity's row."""
        self._add("DELETE FROM entities WHERE name = ? AND key = ?", name, key)

    def queue_operation(self, seq: int, name: str, key: str, message: str) -> None:
        """Queue an operation of an entity."""
        self._add("INSERT INTO operations VALUES (?, ?, ?, ?)", seq, name, key, message)

    def finish_operations(self, seqs: Iterable[int]) -> None:
        """Take operations off the queue."""
        for seq in seqs:
            self._add("DELETE FROM operations WHERE seq = ?", seq)
