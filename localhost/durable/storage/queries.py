"""Questions to the store about what is on disk."""

import base64
import json
import sqlite3
from collections.abc import Iterable, Sequence
from typing import Any

from localhost.durable.protocol import events, times
from localhost.durable.records import EntityFilter, EntityRecord, InstanceFilter, InstanceRecord
from localhost.durable.storage import payloads

_COLUMNS = (
    "instance_id, name, execution_id, version, status, input, output, custom_status, created_at,"
    " updated_at, parent_id"
)
_LAST = "\U0010ffff"
_TOKEN = "after "  # noqa: S105  no secret: it names a page
# An entity is an instance too, as the extension keeps it: its id is its name, its state the input.
_ENTITIES = """
  SELECT '@' || name || '@' || key AS instance_id, '@' || name || '@' || key AS name,
    '' AS execution_id, NULL AS version, 'Running' AS status,
    CASE WHEN state IS NULL THEN '{"state":"null","sorter":{}}'
      ELSE json_object('exists', json('true'), 'state', state, 'sorter', json('{}')) END AS input,
    NULL AS output,
    CASE WHEN state IS NULL THEN '{}' ELSE '{"entityExists":true}' END AS custom_status,
    updated_at AS created_at, updated_at, NULL AS parent_id
  FROM entities
"""


def instance(connection: sqlite3.Connection, instance_id: str) -> InstanceRecord | None:
    """Read one instance, or an entity as one."""
    name, is_entity, key = instance_id[1:].partition("@")
    row = connection.execute(
        f"SELECT {_COLUMNS} FROM instances WHERE instance_id = ?",  # noqa: S608
        (instance_id,),
    ).fetchone()
    if row is None and is_entity and instance_id.startswith("@"):
        row = connection.execute(f"{_ENTITIES} WHERE name = ? AND key = ?", (name, key)).fetchone()
    return None if row is None else _record(row)


def instances(
    connection: sqlite3.Connection, instance_filter: InstanceFilter, top: int, token: str | None
) -> tuple[list[InstanceRecord], str | None]:
    """Read a page by id, entities among them, and the token of the next."""
    last = None if token is None else _read_token(token)
    if token is not None and last is None:
        return [], None
    conditions, values = _conditions(instance_filter)
    if last is not None:
        conditions.append("instance_id > ?")
        values.append(last)
    where_clause = _where_clause(conditions)
    rows = connection.execute(
        f"SELECT {_COLUMNS} FROM instances{where_clause} UNION ALL"  # noqa: S608
        f" SELECT {_COLUMNS} FROM ({_ENTITIES}){where_clause} ORDER BY 1 LIMIT ?",
        (*values, *values, top + 1),
    ).fetchall()
    page = [_record(row) for row in rows[:top]]
    return page, _token(page[-1].instance_id if page else last) if len(rows) > top else None


def _token(last: str | None) -> str:
    """Name the page that follows an id, the first one where there is none."""
    return base64.urlsafe_b64encode(f"{_TOKEN}{last or ''}".encode()).decode()


def _read_token(token: str) -> str | None:
    """The id a token holds; None where it is none of ours."""
    try:
        text = base64.b64decode(token, altchars=b"-_", validate=True).decode()
    except ValueError:  # no Base64, or no UTF-8
        return None
    return text.removeprefix(_TOKEN) if text.startswith(_TOKEN) else None


def matching_ids(connection: sqlite3.Connection, instance_filter: InstanceFilter) -> list[str]:
    """List the ids of every instance a filter means."""
    conditions, values = _conditions(instance_filter)
    sql = f"SELECT instance_id FROM instances{_where_clause(conditions)}"  # noqa: S608
    return [row[0] for row in connection.execute(sql, values)]


def history(connection: sqlite3.Connection, instance_id: str) -> list[dict[str, Any]]:
    """Read the events of the current execution, oldest first."""
    rows = connection.execute(
        "SELECT events FROM history WHERE instance_id = ? ORDER BY turn", (instance_id,)
    ).fetchall()
    text = events.SEPARATOR.join(row[0] for row in rows)
    texts: dict[str, str] = {}
    if payloads.references(text):
        payload_rows = connection.execute(
            "SELECT payload_id, text FROM payloads WHERE instance_id = ?", (instance_id,)
        )
        texts = dict(payload_rows.fetchall())
    history_events: list[dict[str, Any]] = json.loads(f"[{payloads.join(text, texts)}]")
    return history_events


def entity(connection: sqlite3.Connection, name: str, key: str) -> EntityRecord | None:
    """Read one entity."""
    query = "SELECT name, key, state, updated_at FROM entities WHERE name = ? AND key = ?"
    row = connection.execute(query, (name, key)).fetchone()
    return None if row is None else _entity(row)


def entities(
    connection: sqlite3.Connection, entity_filter: EntityFilter, top: int, token: str | None
) -> tuple[list[EntityRecord], str | None]:
    """Read a page of entities by name and key, and the token of the next."""
    conditions, values = [] if entity_filter.with_deleted else ["state IS NOT NULL"], []
    if entity_filter.name is not None:
        conditions.append("name = ?")
        values.append(entity_filter.name.lower())
    for limit, operator in ((entity_filter.operated_from, ">="), (entity_filter.operated_to, "<=")):
        if limit is not None:
            conditions.append(f"updated_at {operator} ?")
            values.append(times.stamp(limit))
    if token is not None:
        name, _, key = (_read_token(token) or "").partition("@")
        conditions.append("(name, key) > (?, ?)")
        values.extend((name, key))
    rows = connection.execute(
        f"SELECT name, key, state, updated_at FROM entities{_where_clause(conditions)}"  # noqa: S608
        " ORDER BY name, key LIMIT ?",
        (*values, top + 1),
    ).fetchall()
    page = [_entity(row) for row in rows[:top]]
    last = f"{page[-1].name}@{page[-1].key}" if page else token and _read_token(token)
    return page, _token(last) if len(rows) > top else None


def _conditions(instance_filter: InstanceFilter) -> tuple[list[str], list[Any]]:
    conditions: list[str] = []
    values: list[Any] = []
    for limit, operator in (
        (instance_filter.created_from, ">="),
        (instance_filter.created_to, "<="),
    ):
        if limit is not None:
            conditions.append(f"created_at {operator} ?")
            values.append(times.stamp(limit))
    if instance_filter.statuses:
        conditions.append(f"status IN ({', '.join('?' * len(instance_filter.statuses))})")
        values.extend(sorted(instance_filter.statuses))
    if instance_filter.id_prefix:
        conditions.append("instance_id >= ? AND instance_id < ?")
        values.extend((instance_filter.id_prefix, f"{instance_filter.id_prefix}{_LAST}"))
    return conditions, values


def _where_clause(conditions: Iterable[str]) -> str:
    text = " AND ".join(conditions)
    return f" WHERE {text}" if text else ""


def _record(row: Sequence[Any]) -> InstanceRecord:
    return InstanceRecord(
        instance_id=row[0],
        name=row[1],
        execution_id=row[2],
        version=row[3],
        runtime_status=row[4],
        input_text=row[5],
        output_text=row[6],
        custom_status_text=row[7],
        created_at=times.instant(row[8]),
        last_updated_at=times.instant(row[9]),
        parent_instance_id=row[10],
    )


def _entity(row: Sequence[Any]) -> EntityRecord:
    return EntityRecord(row[0], row[1], row[2], times.instant(row[3]))
