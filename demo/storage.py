"""The host's Blob storage, as far as the demos need it."""

from azure.storage.blob import BlobServiceClient, ContainerClient

from demo.host import EmbeddedHost

INBOX = "inbox"
RUNS = "runs"


def open_storage(host: EmbeddedHost) -> BlobServiceClient:
    """Connect to the storage of a host that is ready."""
    return BlobServiceClient.from_connection_string(host.connection_string())


def open_inbox(storage: BlobServiceClient) -> ContainerClient:
    """The container of sources; it is created if need be."""
    container = storage.get_container_client(INBOX)
    if not container.exists():
        container.create_container()
    return container
