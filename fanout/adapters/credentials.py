"""Azure identities, each made once in a process: a credential keeps its own tokens."""

from functools import lru_cache
from typing import Any


@lru_cache(maxsize=8)
def credential(client_id: str | None) -> Any:
    """The credential of a user-assigned identity, or (None) of whoever runs this process."""
    from azure.identity import DefaultAzureCredential

    return DefaultAzureCredential(managed_identity_client_id=client_id)
