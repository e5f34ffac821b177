"""What `doctor` finds: every way in which an instance can wait for nothing, and no more."""

import asyncio
import shutil
import sqlite3
from contextlib import closing

import azure.durable_functions as df
import pytest

from localhost.durable.recovery import checkup
from localhost.durable.recovery.checkup import Checkup
from localhost.durable.storage.store import Store
from tests.support.replays.durable_hub import hub


def make_app():
    app = df.DFApp()

    @app.activity_trigger(input_name="value")
    def echo(value):
        return value

    @app.orchestration_trigger(context_name="context")
    def waits(context):
        yield context.call_activity("echo", 1)
        return (yield context.wait_for_external_event("go"))

    @app.orchestration_trigger(context_name="context")
    def sleeps(context):
        yield context.create_timer(context.current_utc_datetime.replace(year=2100))

    @app.orchestration_trigger(context_name="context")
    def parent(context):
        yield context.call_sub_orchestrator("waits", None, f"{context.instance_id}-child")

    @app.orchestration_trigger(context_name="context")
    def asks(context):
        yield context.call_entity(df.EntityId("slow", "one"), "get")

    @app.entity_trigger(context_name="context")
    def slow(context):
        context.set_result(1)

    return app


async def fill(path):
    """Leave one instance of each kind of waiting."""
    async with hub(make_app(), path) as running:
        for name in ("waits", "sleeps", "parent"):
            await running.start(name, instance_id=name)

        async def all_wait():
            kinds = {n: await running.kinds(n) for n in ("waits", "sleeps", "parent-child")}
            return 5 in kinds["waits"] and 10 in kinds["sleeps"] and 5 in kinds["parent-child"]

        await running.until(all_wait)


def change(path, *statements):
    with closing(sqlite3.connect(path, isolation_level=None)) as connection:
        for statement in statements:
            connection.execute(statement)


def examined(path) -> Checkup:
    store = Store.open(path)
    try:
        return asyncio.run(checkup.examine(store))
    finally:
        store.release()


@pytest.fixture(scope="module")
def original(tmp_path_factory):
    path = tmp_path_factory.mktemp("store") / "hub.db"
    asyncio.run(fill(path))
    return path


@pytest.fixture
def filled(original, path):
    shutil.copy(original, path)
    return path


def whats(found: Checkup) -> list[str]:
    return [finding.what for finding in found.findings]


def test_instances_that_wait_for_something_are_well(filled):
    found = examined(filled)
    assert found.findings == []
    assert found.instances == {"Running": 4}
    assert found.rows["instances"] == 4 and found.rows["history"] > 4


def test_an_instance_that_waits_for_a_child_that_is_gone_is_found(filled):
    change(
        filled,
        "DELETE FROM instances WHERE instance_id = 'parent-child'",
        "DELETE FROM history WHERE instance_id = 'parent-child'",
    )
    assert whats(examined(filled)) == [
        "'parent' waits for its sub-orchestration 'parent-child', which is not running"
    ]


def test_a_child_that_took_another_parents_place_is_not_the_one_waited_for(filled):
    change(filled, "UPDATE instances SET parent_execution_id = 'x' WHERE parent_id = 'parent'")
    assert len(whats(examined(filled))) == 1


def test_a_running_child_of_a_parent_that_was_purged_is_found(filled):
    change(
        filled,
        "DELETE FROM instances WHERE instance_id = 'parent'",
        "DELETE FROM history WHERE instance_id = 'parent'",
    )
    assert whats(examined(filled)) == ["'parent-child' runs for 'parent', which was purged"]


def test_an_instance_that_waits_for_nothing_is_found(filled):
    # Its last turn asked for nothing: the timer's event and its registration are taken away.
    change(filled, "UPDATE history SET notes = NULL WHERE instance_id = 'sleeps'")
    assert whats(examined(filled)) == ["'sleeps' is Running and waits for nothing"]


def test_a_suspended_instance_is_not_stuck(filled):
    change(
        filled,
        "UPDATE history SET notes = NULL WHERE instance_id = 'sleeps'",
        "UPDATE instances SET status = 'Suspended' WHERE instance_id = 'sleeps'",
    )
    assert whats(examined(filled)) == []


def test_a_history_that_contradicts_itself_is_found(filled):
    # The second turn of 'waits' ends an activity that no turn asked for.
    change(filled, "UPDATE history SET notes = NULL WHERE instance_id = 'waits' AND turn = 0")
    (what,) = whats(examined(filled))
    assert "'waits' contradicts itself" in what


@pytest.mark.parametrize("table", ["history", "inbox", "payloads"])
def test_rows_of_no_instance_are_found(filled, table):
    values = {
        "history": "('ghost', 0, '', NULL)",
        "inbox": """(999, 'ghost', NULL, 'n', '{"EventType": 15}')""",
        "payloads": "('p', 'ghost', 'text')",
    }
    change(filled, f"INSERT INTO {table} VALUES {values[table]}")
    assert whats(examined(filled)) == [f"{table} has rows of 1 instances that do not exist"]


def test_an_entity_call_whose_request_is_gone_is_found(path):
    async def ask():
        async with hub(make_app(), path) as running:
            submit = running.executor.submit
            running.executor.submit = lambda calls, done: submit(
                [call for call in calls if call.function != "slow"], done
            )
            await running.start("asks", instance_id="asks")

            async def has_asked():
                return 14 in await running.kinds("asks")

            await running.until(has_asked)

    asyncio.run(ask())
    assert whats(examined(path)) == []
    change(path, "DELETE FROM operations")
    assert whats(examined(path)) == [
        "'asks' waits for an answer of entity @slow@one, which was not asked"
    ]


def test_damage_inside_the_file_is_found(filled):
    change(filled, "PRAGMA wal_checkpoint(TRUNCATE)")
    with closing(sqlite3.connect(filled)) as connection:
        (page,) = connection.execute(
            "SELECT rootpage FROM sqlite_master WHERE name = 'instances_by_creation'"
        ).fetchone()
        (size,) = connection.execute("PRAGMA page_size").fetchone()
    with filled.open("r+b") as file:
        file.seek(page * size - 4)  # the end of the index's oldest entry
        file.write(b"????")
    found = examined(filled)
    assert found.findings and all("the file is damaged" in what for what in whats(found))


HARMS = {
    "no UTF-8": "UPDATE history SET events = CAST(x'7bff7d' AS TEXT) WHERE instance_id = 'waits'",
    "no JSON": "UPDATE history SET events = events || '{' WHERE instance_id = 'waits'",
    "no event": "UPDATE history SET events = '[1]' WHERE instance_id = 'waits'",
    "no notes": "UPDATE history SET notes = '[' WHERE instance_id = 'waits'",
    "a lost text": """UPDATE history SET events = replace(events, '"Input":null', '"Input":' ||
        char(0) || 's' || '00000000000000000000000000000000' || char(0))
        WHERE instance_id = 'waits'""",
}


@pytest.mark.parametrize("harm", HARMS.values(), ids=HARMS)
def test_a_history_that_cannot_be_read_is_found_and_costs_no_other(filled, harm):
    change(filled, harm)
    found = whats(examined(filled))
    assert any(what.startswith("history (waits, ") for what in found)
    assert any("the history of instance 'waits' " in what for what in found)
    assert not any("'sleeps'" in what or "(sleeps" in what for what in found)


@pytest.mark.parametrize(
    ("statement", "place"),
    [
        ("UPDATE instances SET status = 'Odd' WHERE instance_id = 'waits'", "instances (waits)"),
        ("UPDATE instances SET created_at = 'x' WHERE instance_id = 'waits'", "instances (waits)"),
        ("UPDATE instances SET input = '{' WHERE instance_id = 'waits'", "instances (waits)"),
        (
            "UPDATE instances SET output = CAST(x'ff' AS TEXT) WHERE instance_id = 'waits'",
            "instances (waits)",
        ),
        ("INSERT INTO entities VALUES ('e', 'k', '{', '2026-01-01')", "entities (e, k)"),
        ("INSERT INTO entities VALUES ('e', 'k', '1', 'then')", "entities (e, k)"),
        ("INSERT INTO operations VALUES (9, 'e', 'k', '[]')", "operations (9)"),
        ("INSERT INTO inbox VALUES (9, 'waits', NULL, 'n', '{')", "inbox (9)"),
        ("INSERT INTO payloads VALUES ('p', 'waits', CAST(x'ff' AS TEXT))", "payloads (p)"),
    ],
)
def test_a_row_that_cannot_be_read_is_found(filled, statement, place):
    change(filled, statement)
    assert any(what.startswith(f"{place} cannot be read: ") for what in whats(examined(filled)))


def test_of_many_rows_that_cannot_be_read_some_are_named_and_all_counted(filled):
    change(
        filled,
        "WITH RECURSIVE n(i) AS (VALUES(1) UNION ALL SELECT i + 1 FROM n WHERE i < 500)"
        " INSERT INTO entities SELECT 'e', i, '{', '2026-01-01' FROM n",
    )
    found = whats(examined(filled))
    assert len(found) == 21
    assert "480 more rows" in found[-1]


@pytest.mark.parametrize(
    ("statement", "what"),
    [
        ("DROP TABLE history", "the file is damaged: table 'history' is missing"),
        ("DROP TABLE payloads", "the file is damaged: table 'payloads' is missing"),
        ("DROP INDEX inbox_by_instance", "the file is damaged: index 'inbox_by_instance'"),
        ("ALTER TABLE inbox DROP COLUMN name", "the file is damaged: column 'name' of 'inbox'"),
    ],
)
def test_a_part_that_is_missing_is_found(filled, statement, what):
    change(filled, statement)
    assert any(found.startswith(what) for found in whats(examined(filled)))
