import asyncio
import sqlite3

import pytest

from localhost.durable.errors import RefusedWriteError
from localhost.durable.storage import schema
from localhost.durable.storage.payloads import HOT_LIMIT, join, references
from localhost.durable.storage.schema import StoreError
from localhost.durable.storage.store import Store
from localhost.durable.storage.transaction import Transaction


def entity(key, state="1"):
    tx = Transaction()
    tx.put_entity("e", key, state, "now")
    return tx


def count(connection):
    return connection.execute("SELECT count(*) FROM entities").fetchone()[0]


async def test_callbacks_run_in_order_once_their_rows_are_on_disk(path):
    store = Store.open(path)
    store.start()
    seen = []
    for number in range(50):
        store.submit(entity(str(number)), lambda number=number: seen.append(number))
    await store.commit(entity("last"))
    assert seen == list(range(50))
    assert await store.read(count) == 51
    await store.close()


async def test_closing_writes_what_was_submitted(path):
    store = Store.open(path)
    store.start()
    store.submit(entity("one"))
    await store.close()
    with sqlite3.connect(path) as connection:
        assert count(connection) == 1
    connection.close()


async def test_large_texts_can_be_read_before_and_after_they_are_on_disk(path):
    store = Store.open(path)
    store.start()
    tx = Transaction()
    marker = tx.literal("x" * (HOT_LIMIT + 1))
    tx.keep_payloads("instance")
    store.submit(tx)
    ids = references(marker)
    before = await store.payloads(ids)
    await store.commit(Transaction())
    after = await store.payloads(ids)
    assert before == after
    assert join(f'{{"Result":{marker}}}', after) == '{"Result":"' + "x" * (HOT_LIMIT + 1) + '"}'
    await store.close()


async def test_a_store_in_use_is_refused(path):
    store = Store.open(path)
    with pytest.raises(StoreError, match="in use by another host"):
        Store.open(path)
    await store.close()
    again = Store.open(path)
    await again.close()


def test_a_file_that_is_no_database_is_refused(path):
    path.write_bytes(b"not a database at all" * 100)
    with pytest.raises(StoreError, match="is not a durable store or is damaged"):
        Store.open(path)


def test_a_database_of_another_program_is_refused(path):
    connection = sqlite3.connect(path)
    connection.execute("CREATE TABLE theirs (x)")
    connection.close()
    with pytest.raises(StoreError, match="another program"):
        Store.open(path)


async def test_a_newer_store_is_refused(path):
    await Store.open(path).close()
    connection = sqlite3.connect(path)
    connection.execute(f"PRAGMA user_version = {schema.VERSION + 1}")
    connection.close()
    with pytest.raises(StoreError, match="newer version of this host"):
        Store.open(path)


def test_a_folder_that_cannot_be_made_is_named(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(StoreError, match="cannot be opened"):
        Store.open(tmp_path / "file" / "hub.db")


@pytest.mark.parametrize("value", ["\ud800", 2**70, {1}], ids=["no text", "no number", "no kind"])
async def test_a_value_that_sqlite_does_not_take_costs_its_transaction_and_no_other(path, value):
    store = Store.open(path)
    failures = []
    store.on_failure = failures.append
    store.start()
    odd = Transaction()
    odd.put_entity("e", "before", "1", "now")
    odd.statements.append(("INSERT INTO entities VALUES ('e', 'k', ?, 'now')", (value,)))
    refusals = []
    async with asyncio.timeout(10):
        store.submit(odd, on_refusal=refusals.append)
        results = await asyncio.gather(
            store.commit(entity("one")),
            store.commit(odd),
            store.commit(entity("two")),
            return_exceptions=True,
        )
        await store.commit(entity("three"))
    assert [type(result) for result in results] == [type(None), RefusedWriteError, type(None)]
    assert len(refusals) == 1
    assert failures == []
    assert await store.read(count) == 3
    await store.close()


async def test_a_row_that_contradicts_another_costs_its_transaction_and_no_other(path):
    store = Store.open(path)
    store.start()
    twice = Transaction()
    twice.append_turn("i", 0, "{}", None)
    twice.append_turn("i", 0, "{}", None)
    with pytest.raises(RefusedWriteError, match="UNIQUE"):
        await store.commit(twice)
    await store.commit(entity("after"))
    assert await store.read(count) == 1
    await store.close()


async def test_texts_of_a_refused_transaction_are_forgotten(path):
    store = Store.open(path)
    store.start()
    tx = Transaction()
    ids = references(tx.literal("x" * (HOT_LIMIT + 1)))
    tx.keep_payloads("instance")
    tx.statements.append(("INSERT INTO entities VALUES ('e', 'k', ?, 'now')", ({1},)))
    with pytest.raises(RefusedWriteError):
        await store.commit(tx)
    assert await store.payloads(ids) == {}
    await store.close()


async def test_a_text_that_is_no_utf_8_hides_no_other_row(path):
    store = Store.open(path)
    store.start()
    await store.commit(entity("good", "ü"))
    with sqlite3.connect(path) as connection:
        connection.execute("INSERT INTO entities VALUES ('e', 'odd', CAST(x'22ff22' AS TEXT), '')")
    connection.close()
    rows = await store.read(
        lambda connection: connection.execute("SELECT key, state FROM entities").fetchall()
    )
    assert rows == [("good", "ü"), ("odd", r'"\xff"')]
    await store.close()


async def test_a_file_that_goes_bad_between_opening_and_writing_is_a_failure(path):
    store = Store.open(path)
    path.write_bytes(b"not a database at all" * 100)
    store.start()
    async with asyncio.timeout(10):
        with pytest.raises(StoreError, match="damaged"):
            await store.commit(entity("one"))
    await store.close()


async def test_a_write_that_fails_ends_every_wait_with_the_reason(path):
    store = Store.open(path)
    failures = []
    store.on_failure = failures.append
    store.start()
    broken = Transaction()
    broken.statements.append(("INSERT INTO nowhere VALUES (1)", ()))
    results = await asyncio.gather(
        store.commit(broken), store.commit(entity("after")), return_exceptions=True
    )
    assert all(isinstance(result, StoreError) for result in results)
    assert len(failures) == 1
    with pytest.raises(StoreError, match="can no longer be written"):
        await store.commit(entity("later"))
    await store.close()
