"""Table storage: rows that change together, in one partition, or not at all.

Source: https://learn.microsoft.com/rest/api/storageservices/performing-entity-group-transactions
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from functools import lru_cache, partial
from itertools import islice
from typing import Any, Literal, Protocol

from azure.core import MatchConditions
from azure.core.exceptions import (
    HttpResponseError,
    ResourceExistsError,
    ResourceNotFoundError,
)
from azure.data.tables import (
    EdmType,
    EntityProperty,
    TableClient,
    TableEntity,
    TableServiceClient,
    UpdateMode,
)

from fanout.adapters.accounts import note_table_answer
from fanout.adapters.blob import ONE_QUICK_TRY
from fanout.adapters.credentials import credential
from fanout.adapters.infrastructure import error_code
from fanout.adapters.settings import SettingsError, StorageSettings, settings
from fanout.adapters.table_transactions import TransactionClient
from fanout.adapters.transport import StorageTransport, transport_options

_KEYS = ("PartitionKey", "RowKey")
# Rows that one transaction takes.
MAX_ROWS_AT_ONCE = 100
# Rows that one answer has.
MAX_ROWS_A_PAGE = 1000
_NO_TABLE = "TableNotFound"
_NO_ROW = {"ResourceNotFound", "EntityNotFound"}
_GONE = _NO_ROW | {_NO_TABLE}
# A row that is gone has changed as well.
_LOST_RACES = _NO_ROW | {"EntityAlreadyExists", "UpdateConditionNotSatisfied", "ConditionNotMet"}


class RowConflictError(Exception):
    """Somebody has changed a row meanwhile; nothing was written: read again, decide anew."""


@dataclass(frozen=True, slots=True)
class Row:
    """A row as it was read.

    Attributes:
        values: Its properties, keys left out.
        etag: What tells this version from others.
    """

    values: Mapping[str, Any]
    etag: str


# What the service says of each row that was written.
Answers = Sequence[Mapping[str, Any]]
Mode = Literal["write", "merge", "put", "delete"]


@dataclass(frozen=True, slots=True)
class Write:
    """A change of a row.

    Attributes:
        row_key: Which row of the partition.
        values: Its properties, keys left out.
        etag: The version that was read, and no other, is changed.
        mode: ``write`` makes a new row, or with an ETag replaces the old one. ``merge`` changes
            these properties of a row that must be there, and ``delete`` deletes it. ``put`` writes
            the row whatever was there.
    """

    row_key: str
    values: Mapping[str, Any] = field(default_factory=dict)
    etag: str | None = None
    mode: Mode = "write"


@dataclass(frozen=True, slots=True)
class RowRange:
    """Consecutive rows of a partition.

    Attributes:
        after: The first of them has a key that comes after this.
        before: The last of them has a key that comes before this.
        equal: Only those rows that have these values, by property.
        or_marked: A property; rows in which it is true are read as well, whatever they have. The
            service looks for values row by row, however far; a row that is marked ends its search.
        properties: The properties that are read besides the keys; None reads all.
    """

    after: str
    before: str
    equal: Mapping[str, str] = field(default_factory=dict)
    or_marked: str = ""
    properties: tuple[str, ...] | None = None

    @property
    def condition(self) -> str:
        """What the service looks for; a word with an @ is a parameter, with spaces around it."""
        values = " and ".join(f"{name} eq @{name}" for name in self.equal)
        if values and self.or_marked:
            values = f"( ( {values} ) or {self.or_marked} eq true )"
        bounds = ["PartitionKey eq @partition", "RowKey gt @after", "RowKey lt @before"]
        return " and ".join([*bounds, values] if values else bounds)


class Tables(Protocol):
    """What ledgers ask of Table storage."""

    def read(self, table: str, partition: str, row_keys: Iterable[str]) -> dict[str, Row]:
        """Read some rows of a partition; those that there are not are left out."""
        ...

    def write(self, table: str, partition: str, writes: list[Write]) -> dict[str, str]:
        """Write rows of one partition, all or none; give the ETag of each that is there then.

        Raises:
            RowConflictError: A new row exists, an old one is not as it was read, or one that must
                be there is not.
        """
        ...


class RowTables(Tables, Protocol):
    """What the rows of runs ask of Table storage besides."""

    def read_all(self, table: str, partition: str, prefix: str = "") -> dict[str, Row]:
        """Read all rows of a partition whose keys begin so, in the order of the keys."""
        ...

    def read_range(
        self, table: str, partition: str, wanted: RowRange, limit: int
    ) -> dict[str, Row]:
        """Read the first rows of a range, so many at most, in the order of the keys."""
        ...

    def delete(self, table: str, partition: str, row_keys: Iterable[str]) -> None:
        """Delete rows of a partition, whatever is in them; those that are gone are no fault."""
        ...

    def ping(self, table: str) -> None:
        """Raise what keeps a table from answering; one that does not exist is no fault."""
        ...


@dataclass(frozen=True)
class TableStore:
    """The tables of a storage account; safe to share between threads."""

    service: TableServiceClient
    _open: Callable[..., TableClient]
    _clients: dict[str, TableClient] = field(default_factory=dict)

    @classmethod
    def connect(cls, storage: StorageSettings) -> "TableStore":
        """Open a client by connection string, or by identity.

        Raises:
            SettingsError: The account's address does not tell where its tables are.
        """
        options: dict[str, Any] = {
            "transport": StorageTransport(**transport_options()),
            "raw_response_hook": note_table_answer,
        }
        if (text := storage.connection_string) is not None:
            service = TableServiceClient.from_connection_string(text, **options)
            return cls(service, partial(TransactionClient.from_connection_string, text, **options))
        address = {"endpoint": _endpoint(storage), "credential": credential(storage.client_id)}
        service = TableServiceClient(**address, **options)
        return cls(service, partial(TransactionClient, **address, **options))

    def read(self, table: str, partition: str, row_keys: Iterable[str]) -> dict[str, Row]:
        """Read some rows of a partition, one by one; those that there are not are left out.

        A filter that names several would make the service look through the whole partition.
        Source: https://learn.microsoft.com/azure/storage/tables/table-storage-design-for-query
        """
        rows = ((key, self._find(table, partition, key)) for key in row_keys)
        return {key: row for key, row in rows if row is not None}

    def _find(self, table: str, partition: str, row_key: str) -> Row | None:
        try:
            return _row(self._table(table).get_entity(partition, row_key))
        except ResourceNotFoundError:
            return None

    def read_all(self, table: str, partition: str, prefix: str = "") -> dict[str, Row]:
        """Read all rows of a partition whose keys begin so, in the order of the keys."""
        query = f"PartitionKey eq '{partition}'"
        if prefix:  # a tilde sorts after whatever our keys have
            query += f" and RowKey ge '{prefix}' and RowKey lt '{prefix}~'"
        try:
            entities = [*self._table(table).query_entities(query)]
        except ResourceNotFoundError:
            return {}
        return {str(entity["RowKey"]): _row(entity) for entity in entities}

    def ping(self, table: str) -> None:
        """Raise what keeps a table from answering; one that does not exist is no fault."""
        with suppress(ResourceNotFoundError):
            self._table(table).get_entity("ping", "ping", **ONE_QUICK_TRY)

    def read_range(
        self, table: str, partition: str, wanted: RowRange, limit: int
    ) -> dict[str, Row]:
        """Read the first rows of a range, so many at most, in the order of the keys.

        The service looks for what must be equal; it sends 1,000 rows a page.
        Source: https://learn.microsoft.com/rest/api/storageservices/query-timeout-and-pagination
        """
        entities = self._table(table).query_entities(
            wanted.condition,
            parameters={
                "partition": partition,
                "after": wanted.after,
                "before": wanted.before,
                **wanted.equal,
            },
            select=None if wanted.properties is None else ["RowKey", *wanted.properties],
            results_per_page=min(limit, MAX_ROWS_A_PAGE),
        )
        try:
            return {str(entity["RowKey"]): _row(entity) for entity in islice(entities, limit)}
        except ResourceNotFoundError:
            return {}

    def delete(self, table: str, partition: str, row_keys: Iterable[str]) -> None:
        """Delete rows of a partition, whatever is in them; those that are gone are no fault.

        As many go in one transaction as it takes; if one of them is gone, they go one by one.
        """
        keys = iter(dict.fromkeys(row_keys))
        while group := list(islice(keys, MAX_ROWS_AT_ONCE)):
            _delete(self._table(table), partition, group)

    def write(self, table: str, partition: str, writes: list[Write]) -> dict[str, str]:
        """Write rows of one partition, all or none; the table is made when it is first used.

        Returns:
            The ETag of each row that is there then.

        Raises:
            RowConflictError: A new row exists, an old one is not as it was read, or one that must
                be there is not.
        """
        operations = [_operation(partition, write) for write in writes]
        try:
            answers = self._submit(table, operations)
        except HttpResponseError as error:
            if error_code(error) not in _LOST_RACES:
                raise
            raise RowConflictError(str(error)) from error
        pairs = zip(writes, answers, strict=True)
        etags = ((write.row_key, answer.get("etag")) for write, answer in pairs)
        return {key: str(etag) for key, etag in etags if etag is not None}

    def _submit(self, table: str, operations: list[Any]) -> Answers:
        try:
            return _carry_out(self._table(table), operations)
        except HttpResponseError as error:
            if error_code(error) != _NO_TABLE:
                raise
            with suppress(ResourceExistsError):
                self._table(table).create_table()
            return _carry_out(self._table(table), operations)

    def _table(self, name: str) -> TableClient:
        if name not in self._clients:
            self._clients[name] = self._open(table_name=name)
        return self._clients[name]


def _delete(table: TableClient, partition: str, row_keys: list[str]) -> None:
    if len(row_keys) > 1:
        entities = [{"PartitionKey": partition, "RowKey": key} for key in row_keys]
        try:
            table.submit_transaction([("delete", entity) for entity in entities])
        except HttpResponseError as error:
            if error_code(error) not in _GONE:
                raise
        else:
            return
    for key in row_keys:
        table.delete_entity(partition, key)


def _carry_out(table: TableClient, operations: list[Any]) -> Answers:
    """One write alone needs no transaction, which costs the service more."""
    kind, entity, *conditions = operations[0]
    # The SDK's deletion of one row does not tell whether there was one.
    if len(operations) > 1 or kind == "delete":
        return table.submit_transaction(operations)
    writes: dict[str, Callable[..., Mapping[str, Any]]] = {
        "create": table.create_entity,
        "update": table.update_entity,
        "upsert": table.upsert_entity,
    }
    return [writes[kind](entity, **(conditions[0] if conditions else {}))]


def _operation(partition: str, write: Write) -> tuple[Any, ...]:
    values = {name: _storable(value) for name, value in write.values.items()}
    entity = {"PartitionKey": partition, "RowKey": write.row_key, **values}
    condition: dict[str, Any] = {}
    if write.etag is not None:
        condition = {"etag": write.etag, "match_condition": MatchConditions.IfNotModified}
    if write.mode == "delete":
        return ("delete", entity, condition)
    if write.mode == "put":
        return ("upsert", entity, {"mode": UpdateMode.REPLACE})
    if write.mode == "merge":
        return ("update", entity, {"mode": UpdateMode.MERGE, **condition})
    if write.etag is None:
        return ("create", entity)
    return ("update", entity, {"mode": UpdateMode.REPLACE, **condition})


def _storable(value: Any) -> Any:
    """Have whole numbers stored in 64 bits; the SDK would take 32 and refuse larger ones."""
    is_whole = isinstance(value, int) and not isinstance(value, bool)
    return EntityProperty(value, EdmType.INT64) if is_whole else value


def _row(entity: TableEntity) -> Row:
    values = {name: _plain_value(each) for name, each in entity.items() if name not in _KEYS}
    return Row(values, str(entity.metadata.get("etag")))


def _plain_value(value: Any) -> Any:
    return value.value if isinstance(value, EntityProperty) else value


def _endpoint(storage: StorageSettings) -> str:
    url = str(storage.account_url)
    if ".blob." not in url:
        raise SettingsError(f"'{url}' does not tell where the account's tables are.")
    return url.replace(".blob.", ".table.", 1)


@lru_cache(maxsize=1)
def table_store() -> TableStore:
    """The tables of this process."""
    return TableStore.connect(settings().storage)
