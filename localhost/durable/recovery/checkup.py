"""What is wrong with a store: damage, rows that belong to nothing, instances that wait in vain.

It rebuilds the unfinished instances as a start of the host would, and asks of each what could wake
it. Anything found but damage is probably a defect of this host.
"""

import sqlite3
from collections.abc import Iterator
from dataclasses import dataclass

from localhost.durable.recovery.rebuilder import RecoveredState, recover
from localhost.durable.recovery.row_checks import row_faults
from localhost.durable.state.instance import Instance
from localhost.durable.state.tasks import Task
from localhost.durable.storage import schema
from localhost.durable.storage.store import Store

TABLES = ("instances", "history", "inbox", "payloads", "entities", "operations")
_OWNED_TABLES = ("history", "inbox", "payloads")
_START_OVER = "move it away and start again to begin with an empty one"
_WILL_FAIL = "the host fails this instance when it starts, and goes on with the others"
_UNREADABLE = "purge what it belongs to; if you know of no reason for it, look at the disk"
_TERMINATE = "start the host and terminate it, or rewind it once it has failed"


@dataclass(frozen=True, slots=True)
class Finding:
    """Something that is wrong: what it is, and what to do about it."""

    what: str
    advice: str


@dataclass(frozen=True, slots=True)
class Checkup:
    """What a store holds and what is wrong with it.

    Attributes:
        instances: How many instances there are of each status.
        rows: How many rows each table has.
        free_bytes: What purged instances have left unused in the file.
    """

    version: int
    instances: dict[str, int]
    rows: dict[str, int]
    free_bytes: int
    findings: list[Finding]


async def examine(store: Store) -> Checkup:
    """Look at everything; nothing is changed.

    Raises:
        sqlite3.Error: It cannot even be read.
    """
    damage = await store.read(_damage) or await store.read(_missing_parts)
    if damage:  # nothing else that is read of it can be relied on
        return Checkup(await store.read(_version), {}, {}, 0, damage)
    checkup = await store.read(_contents)
    checkup.findings.extend(await store.read(_unreadable_rows))
    state = await recover(store)
    checkup.findings.extend(Finding(broken.problem, _WILL_FAIL) for broken in state.broken)
    checkup.findings.extend(vain_waits(state))
    return checkup


def vain_waits(state: RecoveredState) -> Iterator[Finding]:
    """Find the instances that nothing would ever wake."""
    live = {instance.id: instance for instance in state.instances}
    replies = {
        (operation.message.get("parent"), operation.message.get("id"))
        for operation in state.operations
    }
    for instance in state.instances:
        problems = [
            problem
            for task in instance.execution.tasks.values()
            if (problem := _vain_wait(instance, task, live, replies)) is not None
        ]
        for problem in problems:
            yield Finding(f"'{instance.id}' waits for {problem}", _TERMINATE)
        if not problems and _is_stuck(instance):
            text = f"'{instance.id}' is {instance.status} and waits for nothing"
            yield Finding(text, _TERMINATE)


def _vain_wait(
    instance: Instance,
    task: Task,
    live: dict[str, Instance],
    replies: set[tuple[str | None, str | None]],
) -> str | None:
    """Say why an open task will never end; None where it may."""
    if task.arrived_failure is not None or task.is_timer or task.is_activity:
        return None
    if not task.is_child:
        is_answered = (instance.id, task.target) in replies
        return None if is_answered else f"an answer of entity {task.name}, which was not asked"
    child = live.get(task.target or "")
    parent = child.identity.parent if child else None
    if parent and (parent.instance_id, parent.execution_id) == (instance.id, instance.execution_id):
        return None
    return f"its sub-orchestration '{task.target}', which is not running"


def _is_stuck(instance: Instance) -> bool:
    execution = instance.execution
    if instance.is_suspended or instance.can_move or instance.silent or execution.waits:
        return False
    return all(task.is_canceled for task in execution.tasks.values())


def _damage(connection: sqlite3.Connection) -> list[Finding]:
    lines = [line for (line,) in connection.execute("PRAGMA integrity_check")]
    return [Finding(f"the file is damaged: {line}", _START_OVER) for line in lines if line != "ok"]


def _missing_parts(connection: sqlite3.Connection) -> list[Finding]:
    missing_names = schema.missing_parts(connection)
    return [
        Finding(f"the file is damaged: {name} is missing", _START_OVER) for name in missing_names
    ]


def _unreadable_rows(connection: sqlite3.Connection) -> list[Finding]:
    return [
        Finding(f"{fault.place} cannot be read: {fault.problem}", _UNREADABLE)
        for fault in row_faults(connection)
    ]


def _version(connection: sqlite3.Connection) -> int:
    return int(connection.execute("PRAGMA user_version").fetchone()[0])


def _contents(connection: sqlite3.Connection) -> Checkup:
    by_status = "SELECT status, count(*) FROM instances GROUP BY status ORDER BY status"
    (free_pages,) = connection.execute("PRAGMA freelist_count").fetchone()
    (page_bytes,) = connection.execute("PRAGMA page_size").fetchone()
    return Checkup(
        version=_version(connection),
        instances=dict(connection.execute(by_status).fetchall()),
        rows={table: _count(connection, table) for table in TABLES},
        free_bytes=free_pages * page_bytes,
        findings=[*_orphan_rows(connection), *_orphan_children(connection)],
    )


def _count(connection: sqlite3.Connection, table: str) -> int:
    sql = f"SELECT count(*) FROM {table}"  # noqa: S608 - one of `TABLES`
    return int(connection.execute(sql).fetchone()[0])


def _orphan_rows(connection: sqlite3.Connection) -> Iterator[Finding]:
    for table in _OWNED_TABLES:
        (owners,) = connection.execute(
            f"SELECT count(DISTINCT instance_id) FROM {table}"  # noqa: S608 - a name from above
            " WHERE instance_id NOT IN (SELECT instance_id FROM instances)"
        ).fetchone()
        if owners:
            yield Finding(
                f"{table} has rows of {owners} instances that do not exist",
                "they do no harm; please report how they came about",
            )


def _orphan_children(connection: sqlite3.Connection) -> Iterator[Finding]:
    children = connection.execute(
        "SELECT instance_id, parent_id FROM instances"
        " WHERE status IN ('Pending', 'Running', 'Suspended', 'ContinuedAsNew')"
        " AND parent_id NOT IN (SELECT instance_id FROM instances)"
    ).fetchall()
    for instance_id, parent_id in children:
        yield Finding(
            f"'{instance_id}' runs for '{parent_id}', which was purged",
            "let it end, or start the host and terminate it",
        )
