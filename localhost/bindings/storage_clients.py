"""Clients of blobs and tables, by a connection string or by identity."""

from contextlib import AsyncExitStack

from azure.data.tables.aio import TableServiceClient
from azure.identity.aio import DefaultAzureCredential
from azure.storage.blob.aio import BlobServiceClient

from localhost.bindings.connections import StorageConnection

# The newest version that Azurite 3.35 knows.
API_VERSION = "2025-11-05"


class BlobClients:
    """The blob service of one connection; it is opened at its first use."""

    def __init__(self, connection: StorageConnection) -> None:
        self._connection = connection
        self._exits = AsyncExitStack()
        self._service: BlobServiceClient | None = None

    async def service(self) -> BlobServiceClient:
        """The client."""
        if self._service is None:
            self._service = await self._open()
        return self._service

    async def close(self) -> None:
        """Let go of its connections."""
        await self._exits.aclose()

    async def _open(self) -> BlobServiceClient:
        text = self._connection.connection_string
        if text is not None:
            service = BlobServiceClient.from_connection_string(text, api_version=API_VERSION)
        else:
            credential = await _enter_credential(self._connection, self._exits)
            service = BlobServiceClient(str(self._connection.service_uri), credential)
        return await self._exits.enter_async_context(service)


class TableClients:
    """The table service of one connection; it is opened at its first use."""

    def __init__(self, connection: StorageConnection) -> None:
        self._connection = connection
        self._exits = AsyncExitStack()
        self._service: TableServiceClient | None = None

    async def service(self) -> TableServiceClient:
        """The client."""
        if self._service is None:
            self._service = await self._open()
        return self._service

    async def close(self) -> None:
        """Let go of its connections."""
        await self._exits.aclose()

    async def _open(self) -> TableServiceClient:
        text = self._connection.connection_string
        if text is not None:
            service = TableServiceClient.from_connection_string(text)
        else:
            credential = await _enter_credential(self._connection, self._exits)
            service = TableServiceClient(str(self._connection.service_uri), credential=credential)
        return await self._exits.enter_async_context(service)


async def _enter_credential(
    connection: StorageConnection, exits: AsyncExitStack
) -> DefaultAzureCredential:
    credential = DefaultAzureCredential(managed_identity_client_id=connection.client_id)
    return await exits.enter_async_context(credential)
