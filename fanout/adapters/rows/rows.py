"""Rows that hold one model each: read, changed by a pure rule, and written if unchanged meanwhile.

Table storage is strongly consistent: a write under an ETag happened or did not, and so did all
writes of one transaction. An answer may be lost after its write; whoever tries again reads what it
wrote, so rules are such that the same change a second time changes nothing.
"""

import random
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any, TypeVar

from pydantic import BaseModel, ValidationError

from fanout.adapters.documents import FIELD, VERSION, check_version, describe_faults
from fanout.adapters.rows.group_commit import GroupCommit
from fanout.adapters.rows.latest_row import LatestRow, Version
from fanout.adapters.settings import settings
from fanout.adapters.tables import (
    Row,
    RowConflictError,
    RowRange,
    RowTables,
    Write,
    table_store,
)
from fanout.adapters.telemetry.logs import logger
from fanout.errors import UnreadableDocumentError

Model = TypeVar("Model", bound=BaseModel)
Answer = TypeVar("Answer")
Unpack = Callable[[Row | None, type[Any]], Any]
log = logger("rows")

# A property holds 64 KiB, as UTF-16.
CHUNK_CHARACTERS = 30_000
# How often a row is tried that others change as well; each time somebody got through.
MAX_TRIES = 100
MAX_PAUSE_SECONDS = 0.25


class RowContentionError(Exception):
    """A row was changed by others each time; the activity is to be tried again later."""


def pack_model(model: BaseModel) -> dict[str, str | int]:
    """A model as the properties of a row."""
    text = model.model_dump_json(exclude_unset=True)
    starts = range(0, max(1, len(text)), CHUNK_CHARACTERS)
    chunks = (text[start : start + CHUNK_CHARACTERS] for start in starts)
    return {FIELD: VERSION, **{f"json{n}": chunk for n, chunk in enumerate(chunks)}}


def unpack_model(row: Row | None, kind: type[Model]) -> Model:
    """The model of a row; its defaults where there is none.

    Raises:
        UnreadableDocumentError: It is damaged, or of a version that is not known.
    """
    if row is None:
        return kind()
    name = f"a row of {kind.__name__}"
    check_version(row.values.get(FIELD, VERSION), name)
    chunks: list[Any] = []
    while (chunk := row.values.get(f"json{len(chunks)}")) is not None:
        chunks.append(chunk)
    try:
        return kind.model_validate_json("".join(map(str, chunks)))
    except ValidationError as invalid:
        raise UnreadableDocumentError(name, describe_faults(invalid)) from invalid


def unpack_passing(row: Row | None, kind: type[Model]) -> Model:
    """The model of a row, or its defaults where it cannot be read: what it says passes by itself.

    Such a row is for all runs, and none of them is to fail for it.
    """
    try:
        return unpack_model(row, kind)
    except UnreadableDocumentError:
        log.exception("begins a row anew")
        return kind()


def tries() -> Iterator[int]:
    """Count tries of a change, with a pause before each but the first.

    Raises:
        RowContentionError: None got through.
    """
    for number in range(MAX_TRIES):
        if number:
            max_seconds = min(MAX_PAUSE_SECONDS, 0.004 * 2.0 ** min(number, 6))
            time.sleep(random.uniform(0, max_seconds))  # noqa: S311  spreads callers, guards nothing
        yield number
    raise RowContentionError(f"a row was changed by others {MAX_TRIES} times in a row")


@dataclass(frozen=True)
class Rows:
    """The table of the app's runs."""

    tables: RowTables
    table: str
    _groups: dict[tuple[str, str], GroupCommit[Any]] = field(
        default_factory=dict, compare=False, repr=False
    )

    def load(
        self, partition: str, row_key: str, kind: type[Model], unpack: Unpack = unpack_model
    ) -> Model:
        """Read one row; its model's defaults where there is none."""
        row = self.tables.read(self.table, partition, [row_key]).get(row_key)
        model: Model = unpack(row, kind)
        return model

    def ping(self) -> None:
        """Raise what keeps the table from answering."""
        self.tables.ping(self.table)

    def read_all(self, partition: str, prefix: str = "") -> dict[str, Row]:
        """Read all rows of a partition whose keys begin so, in the order of the keys."""
        return self.tables.read_all(self.table, partition, prefix)

    def read_range(self, partition: str, wanted: RowRange, limit: int) -> dict[str, Row]:
        """Read the first rows of a range, so many at most, in the order of the keys."""
        return self.tables.read_range(self.table, partition, wanted, limit)

    def change(
        self,
        partition: str,
        row_key: str,
        kind: type[Model],
        rule: Callable[[Model], tuple[Model, Answer]],
        unpack: Unpack = unpack_model,
    ) -> Answer:
        """Change a row by a rule, and give the rule's answer.

        Raises:
            RowContentionError: Others changed it each time.
        """
        for _ in tries():
            row = self.tables.read(self.table, partition, [row_key]).get(row_key)
            before: Model = unpack(row, kind)
            after, answer = rule(before)
            if after == before:
                return answer
            try:
                self.write(partition, {row_key: after}, {row_key: row.etag} if row else {})
            except RowConflictError:
                continue
            return answer
        raise AssertionError("tries() ends by raising")

    def change_together(
        self,
        partition: str,
        row_key: str,
        kind: type[Model],
        rule: Callable[[Model], tuple[Model, Answer]],
    ) -> Answer:
        """Change a row as `change` does, together with other threads that change it meanwhile.

        For rows that many activities of a process change at a time: it is not read before each
        change, but when somebody else has changed it. One that cannot be read is begun anew.

        Raises:
            RowContentionError: Others changed it each time.
        """
        key = (partition, row_key)
        if key not in self._groups:
            self._groups.setdefault(key, GroupCommit(self._latest(partition, row_key, kind).change))
        answer: Answer = self._groups[key].change(rule)
        return answer

    def _latest(self, partition: str, row_key: str, kind: type[Model]) -> LatestRow[Model]:
        def read() -> Version[Model]:
            row = self.tables.read(self.table, partition, [row_key]).get(row_key)
            return Version(unpack_passing(row, kind), row.etag if row else None)

        def write(model: Model, etag: str | None) -> str:
            return self.write(partition, {row_key: model}, {row_key: etag} if etag else {})[row_key]

        return LatestRow(read, write, tries)

    def write(
        self, partition: str, models: dict[str, Any], etags: dict[str, str]
    ) -> dict[str, str]:
        """Write rows of a partition, all or none; one without an ETag must be new.

        Returns:
            The ETag of each row that was written.

        Raises:
            RowConflictError: Somebody changed one of them.
        """
        writes = [Write(key, pack_model(model), etags.get(key)) for key, model in models.items()]
        return self.tables.write(self.table, partition, writes)

    def submit(self, partition: str, writes: list[Write]) -> None:
        """Change rows of a partition, all or none.

        Raises:
            RowConflictError: Somebody changed one of them, or one that must be there is not.
        """
        self.tables.write(self.table, partition, writes)

    def create(self, partition: str, row_key: str, model: BaseModel) -> bool:
        """Write a row that is new; tell whether it was."""
        try:
            self.write(partition, {row_key: model}, {})
        except RowConflictError:
            return False
        return True

    def delete(self, partition: str, row_keys: list[str]) -> None:
        """Delete rows; those that are gone already are no fault."""
        self.tables.delete(self.table, partition, row_keys)

    def clear(self, partition: str) -> None:
        """Delete all rows of a partition."""
        self.delete(partition, [*self.read_all(partition)])


def table_name(container: str) -> str:
    """The table of the runs of a container: its letters and digits, for a name has no hyphens."""
    return "fanout" + "".join(filter(str.isalnum, container))


@lru_cache(maxsize=1)
def rows() -> Rows:
    """The rows of this process's app."""
    return Rows(table_store(), table_name(settings().runs_container))
