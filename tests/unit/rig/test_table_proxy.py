"""What is written is found in a request, and what was ordered is refused or swallowed."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from azure.core.exceptions import HttpResponseError
from azure.data.tables import TableServiceClient

from rig.storage import Storage
from rig.table_proxy import Order, TableProxy, rows_in

UPDATE = (
    "PUT /t(PartitionKey='a',RowKey='1')\n"
    '{"PartitionKey": "a", "RowKey": "1", "text": "q\\" {\\n", "of": {"n": 1}}'
)
BATCH = (
    "POST /$batch\n--batch\n\nPOST http://h/t HTTP/1.1\n\n"
    '{"PartitionKey":"é","RowKey":"2"}\n--batch\n\n'
    "DELETE http://h/t(PartitionKey='r%21a1',RowKey='3') HTTP/1.1\n\n--batch--\n"
)


def test_rows_that_are_written_or_deleted_are_found():
    written = {"PartitionKey": "a", "RowKey": "1", "text": 'q" {\n', "of": {"n": 1}}
    assert [*rows_in(UPDATE)] == [written]
    assert [*rows_in(BATCH)] == [
        {"PartitionKey": "é", "RowKey": "2"},
        {"PartitionKey": "r!a1", "RowKey": "3", "deleted": True},
    ]


def test_an_order_is_for_requests_with_all_its_words_quoted_or_not():
    assert Order(("DELETE", "'r!a1'", "'3'")).is_for(BATCH)
    assert not Order(("DELETE", "'r!a1'", "'4'")).is_for(BATCH)


@pytest.fixture
def proxy(tmp_path: Path) -> Iterator[TableProxy]:
    storage = Storage(tmp_path)
    storage.process.start()
    proxy = TableProxy(storage)
    proxy.start()
    yield proxy
    proxy.stop()
    storage.process.stop()


def test_a_table_behind_it_is_as_without_but_for_what_is_refused(proxy: TableProxy):
    one, two = {"PartitionKey": "p!", "RowKey": "1"}, {"PartitionKey": "p!", "RowKey": "2"}
    with TableServiceClient.from_connection_string(proxy.connection, retry_total=0) as service:
        table = service.create_table("things")
        table.submit_transaction([("create", one), ("create", two)])
        proxy.refuse("DELETE", "'p!'", "'1'")
        with pytest.raises(HttpResponseError, match="ServerBusy"):
            table.delete_entity(one)
        assert proxy.met is not None
        table.delete_entity(two)
        proxy.let_through()
        assert [row["RowKey"] for row in table.list_entities()] == ["1"]
        table.submit_transaction([("delete", one)])
        assert [*table.list_entities()] == []
    deleted = [row["RowKey"] for row in proxy.rows if row.get("deleted")]
    assert deleted == ["1", "2", "1"]
