"""What a task hub and a storage account hold, seen by the management API and row by row."""

import json
from collections.abc import Iterator
from typing import Any
from urllib.parse import quote

from azure.data.tables import TableServiceClient
from azure.storage.blob import BlobServiceClient

from tests.support.hosts.host_process import Host

INSTANCES = "/runtime/webhooks/durabletask/instances"
PAGE = 50


def instances(host: Host) -> list[dict[str, Any]]:
    """Every instance, entities included, page by page."""
    found: list[dict[str, Any]] = []
    headers: dict[str, str] = {}
    while True:
        answer = host.request("GET", f"{INSTANCES}?top={PAGE}&showInput=false", headers=headers)
        assert answer.status == 200, answer.body
        found += answer.json
        token = answer.header("x-ms-continuation-token")
        if not token:
            return found
        headers = {"x-ms-continuation-token": token}


def terminate(host: Host, instance: str, reason: str = "by-hand") -> int:
    """End an instance as its terminatePostUri does, and return the status of the answer."""
    return host.request("POST", f"{INSTANCES}/{quote(instance)}/terminate?reason={reason}").status


def rows_of(connection: str, *words: str) -> list[str]:
    """Rows of any table that name one of these words, as table/row."""
    with TableServiceClient.from_connection_string(connection) as service:
        tables = [table.name for table in service.list_tables()]
    found = (
        f"{name}/{json.dumps(row, default=str)}"
        for name in tables
        for row in rows_in(connection, name)
    )
    return [row for row in found if any(word in row for word in words)]


def rows_in(connection: str, table: str) -> Iterator[dict[str, Any]]:
    """Every row of a table."""
    with (
        TableServiceClient.from_connection_string(connection) as service,
        service.get_table_client(table) as client,
    ):
        yield from map(dict, client.list_entities())


def blobs_of(connection: str, *words: str) -> list[str]:
    """Blobs of any container whose name has one of these words, as container/blob."""
    with BlobServiceClient.from_connection_string(connection) as service:
        found = [
            f"{container.name}/{name}"
            for container in service.list_containers()
            for name in service.get_container_client(container.name).list_blob_names()
        ]
    return [blob for blob in found if any(word in blob for word in words)]
