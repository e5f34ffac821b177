"""Azurite's log has each request that clients make, and the log of a run each kind."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from azure.data.tables import TableServiceClient
from azure.storage.blob import BlobServiceClient

from bench.storage_log import LoggedStorage, Operation, count_by_kind


@pytest.fixture
def storage(tmp_path: Path) -> Iterator[LoggedStorage]:
    storage = LoggedStorage(tmp_path)
    storage.start()
    yield storage
    storage.stop()


def test_each_request_of_clients_is_counted_by_its_kind(storage: LoggedStorage):
    start = storage.position()
    with BlobServiceClient.from_connection_string(storage.connection) as service:
        container = service.create_container("runs")
        container.upload_blob("a/messages(1).json", b"x")
        container.upload_blob("a/b.json", b"y")
        assert container.get_blob_client("a/b.json").exists()
        assert [blob.name for blob in container.list_blobs()] == ["a/b.json", "a/messages(1).json"]
        assert container.download_blob("a/b.json").readall() == b"y"
        container.get_blob_client("a/b.json").acquire_lease().release()
        container.delete_blob("a/b.json")
    with TableServiceClient.from_connection_string(storage.connection) as service:
        table = service.create_table("things")
        table.create_entity({"PartitionKey": "p", "RowKey": "1"})
        table.submit_transaction(
            [("upsert", {"PartitionKey": "p", "RowKey": str(n)}) for n in "23"]
        )
        assert [row["RowKey"] for row in table.query_entities("PartitionKey eq 'p'")] == list("123")
    storage.wait_until_quiet()
    middle = storage.position()
    assert count_by_kind(storage.operations(start)) == {
        "blob list": 2,
        "blob write": 2,
        "blob read": 4,
        "blob delete": 1,
        "table": 4,
    }
    assert storage.operations(middle) == []
    assert storage.operations(start, middle) == storage.operations(start)


@pytest.mark.parametrize(
    ("method", "path", "query", "kind"),
    [
        ("POST", "hub-control-00/messages", "visibilitytimeout=0", "queue"),
        ("DELETE", "hub-control-00/messages/a-b", "popreceipt=x", "queue"),
        ("PUT", "hub-control-00", "", "queue"),
        ("GET", "hub-control-00", "comp=metadata", "queue"),
        ("POST", "Instances", "", "table"),
        ("POST", "Tables", "", "table"),
        ("GET", "Tables('Instances')", "", "table"),
        ("PUT", "Instances(PartitionKey='a/messages',RowKey='')", "", "table"),
        ("PUT", "leases", "restype=container", "blob list"),
        ("PUT", "leases/default/control-00", "", "blob write"),
        ("HEAD", "leases/default/control-00", "", "blob read"),
        ("GET", "", "restype=service&comp=properties", "blob read"),
    ],
)
def test_services_are_told_by_address(method: str, path: str, query: str, kind: str):
    assert Operation(method, path, query, 200).kind == kind
