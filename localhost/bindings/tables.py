"""Table inputs and outputs.

An input is JSON text: of one entity where its binding has both keys (None if there is none such),
else of a list. An output is JSON text of an entity or of a list of them; keys that an entity lacks
are those of the binding. Entities are added: one that is there already fails the call.

Sources: TablesExtensionConfigProvider and TableEntityWriter of the tables extension; and
FunctionBinding of the Functions host.
"""

import base64
import json
import re
import uuid
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from typing import Any

from azure.core import MatchConditions
from azure.core.exceptions import (
    HttpResponseError,
    ResourceExistsError,
    ResourceNotFoundError,
)
from azure.data.tables import EdmType, EntityProperty, UpdateMode
from azure.data.tables.aio import TableClient

from localhost.bindings.connections import StorageConnection
from localhost.bindings.contract import BindingError
from localhost.bindings.expressions import BindingData, ExpressionError, check_template
from localhost.bindings.json_values import parse_date
from localhost.bindings.storage_clients import TableClients
from localhost.bindings.trigger_data import binding_data
from localhost.execution.contract import FunctionInfo, Invocation

TYPE = "table"
BATCH_SIZE = 100
MISSING = ("TableNotFound", "ResourceNotFound")
KEYS = {"partitionkey": "PartitionKey", "rowkey": "RowKey"}
_BAD_KEY = re.compile(r"[/\\#?\x00-\x1f\x7f-\x9f]")
Operation = tuple[Any, ...]


class _Table:
    """The table that one binding names.

    Args:
        info: The function.
        binding: Its input or output.
        environment: The settings, which name the connection.

    Raises:
        BindingError: It names no table, or its connection no setting.
    """

    def __init__(
        self, info: FunctionInfo, binding: Mapping[str, Any], environment: Mapping[str, str]
    ) -> None:
        if not binding.get("tableName"):
            raise BindingError(
                f"Function '{info.name}': its binding '{binding['name']}' names no table "
                "(table_name)."
            )
        for key in ("tableName", "partitionKey", "rowKey", "filter"):
            try:
                check_template(str(binding.get(key) or ""))
            except ExpressionError as error:
                raise BindingError(
                    f"Function '{info.name}': '{key}' of its binding '{binding['name']}': {error}. "
                    "Write a brace that is meant as such twice."
                ) from error
        self._info = info
        self._binding = binding
        self._clients = TableClients(StorageConnection.of_binding(info, binding, environment, TYPE))

    async def close(self) -> None:
        """Let go of connections."""
        await self._clients.close()

    async def _table(self, data: BindingData) -> TableClient:
        name = data.fill(str(self._binding["tableName"]))
        return (await self._clients.service()).get_table_client(name)

    def _key(self, name: str, data: BindingData) -> str | None:
        template = self._binding.get(name)
        return data.fill(str(template)) if template else None


class TableInput(_Table):
    """Reads one entity, or those that a filter finds."""

    async def read(self, invocation: Invocation) -> str | None:
        """Give JSON text; None if the one entity is not there. See `Input`."""
        data = binding_data(self._info, invocation)
        table = await self._table(data)
        partition_key, row_key = self._key("partitionKey", data), self._key("rowKey", data)
        if partition_key and row_key:
            try:
                return _json_text(_json_values(await table.get_entity(partition_key, row_key)))
            except ResourceNotFoundError:
                return None
        query = data.fill_filter(str(self._binding.get("filter") or ""))
        if partition_key:
            own_query = "PartitionKey eq '{}'".format(partition_key.replace("'", "''"))
            query = f"{own_query} and {query}" if query else own_query
        return _json_text(await self._find(table, query))

    async def _find(self, table: TableClient, query: str) -> list[dict[str, Any]]:
        take = int(self._binding.get("take") or 0)
        entities: list[dict[str, Any]] = []
        async for entity in table.query_entities(query, results_per_page=take or None):
            entities.append(_json_values(entity))
            if len(entities) == take:
                break
        return entities


class TableOutput(_Table):
    """Adds entities; the table is made where it is missing."""

    async def write(self, value: Any, invocation: Invocation) -> None:
        """Add what the JSON text says, up to 100 entities of a partition at once. See `Output`."""
        data = binding_data(self._info, invocation)
        table = await self._table(data)
        keys = {
            "PartitionKey": self._key("partitionKey", data),
            "RowKey": self._key("rowKey", data),
        }
        entities = [entity_of(document, keys) for document in read_documents(value)]
        for batch in batches(entities):
            operations = [operation_of(entity) for entity in batch]
            try:
                await table.submit_transaction(operations)
            except HttpResponseError as error:
                if getattr(error, "error_code", None) not in MISSING:
                    raise
                await _create(table)
                await table.submit_transaction(operations)


async def _create(table: TableClient) -> None:
    try:
        await table.create_table()
    except ResourceExistsError:  # another call was quicker
        return


def read_documents(value: Any) -> list[dict[str, Any]]:
    """The entities that a function gave.

    Raises:
        ValueError: It is no JSON of an object or a list of objects.
    """
    text = value.decode() if isinstance(value, bytes) else value
    try:
        document = json.loads(text)
    except (TypeError, ValueError) as error:
        raise ValueError(f"it must be JSON of an entity or of a list of them: {error}") from error
    documents = document if isinstance(document, list) else [document]
    if not all(isinstance(entity, dict) for entity in documents):
        raise ValueError("it must be JSON of an entity or of a list of them")
    return documents


def entity_of(document: Mapping[str, Any], keys: Mapping[str, str | None]) -> dict[str, Any]:
    """Make an entity of a JSON object; `keys` are those of the binding.

    As Json.NET reads it: whole numbers are Int64, texts that are dates DateTime, objects and lists
    their JSON text.

    Raises:
        ValueError: A key is missing, or has a character that no key may have.
    """
    values = {KEYS.get(name.lower(), name): item for name, item in document.items()}
    entity = {name: _property(item) for name, item in values.items() if item is not None}
    for name, key in keys.items():
        text = str(values[name]) if values.get(name) is not None else key
        if text is None:
            raise ValueError(f"an entity has no {name}, and neither has the binding")
        if bad := _BAD_KEY.search(text):
            raise ValueError(f"the {name} {text!r} has the character {bad[0]!r}, which no key may")
        entity[name] = text
    return entity


def operation_of(entity: dict[str, Any]) -> Operation:
    """How an entity is written: added; with an `ETag` of `*` put, with another replaced."""
    etag = next((str(entity.pop(name)) for name in list(entity) if name.lower() == "etag"), "")
    if not etag:
        return ("create", entity)
    if etag == "*":
        return ("upsert", entity, {"mode": UpdateMode.REPLACE})
    condition = {"etag": etag, "match_condition": MatchConditions.IfNotModified}
    return ("update", entity, {"mode": UpdateMode.REPLACE, **condition})


def batches(entities: list[dict[str, Any]]) -> Iterator[list[dict[str, Any]]]:
    """Divide entities into what one transaction takes: one partition, no row twice."""
    partitions: dict[str, list[dict[str, Any]]] = {}
    for entity in entities:
        partitions.setdefault(entity["PartitionKey"], []).append(entity)
    for partition in partitions.values():
        batch: dict[str, dict[str, Any]] = {}
        for entity in partition:
            if entity["RowKey"] in batch or len(batch) == BATCH_SIZE:
                yield list(batch.values())
                batch = {}
            batch[entity["RowKey"]] = entity
        yield list(batch.values())


def _property(value: Any) -> Any:
    match value:
        case bool() | float():
            return value
        case int():
            return EntityProperty(value, EdmType.INT64)
        case str():
            moment = parse_date(value)
            if moment is None:
                return value
            return moment if moment.tzinfo else moment.replace(tzinfo=UTC)
    return json.dumps(value, indent=2, ensure_ascii=False)


def _json_text(document: Any) -> str:
    return json.dumps(document, separators=(",", ":"), ensure_ascii=False)


def _json_values(entity: Mapping[str, Any]) -> dict[str, Any]:
    return {name: _json_value(value) for name, value in entity.items()}


def _json_value(value: Any) -> Any:
    match value:
        case EntityProperty():
            return _json_value(value.value)
        case datetime():
            text = value.astimezone(UTC).isoformat()
            return re.sub(r"(\.\d*?)0+\+", r"\1+", text)
        case uuid.UUID():
            return str(value)
        case bytes():
            return base64.b64encode(value).decode()
    return value
