"""Ids of instances and executions."""

import uuid

from localhost.durable.errors import StorageRefusalError

# A key of an Azure table has 1 KiB, in UTF-16.
_LONGEST = 512


def new_id() -> str:
    """A GUID without dashes, as DurableTask makes them."""
    return uuid.uuid4().hex


def new_execution_id() -> str:
    """The id of an execution that a client started; a GUID with dashes."""
    return str(uuid.uuid4())


def valid_id(instance_id: str) -> str:
    """Check an id that a caller chose, and return it.

    Raises:
        StorageRefusalError: It may not be used.
    """
    if len(instance_id) > _LONGEST:
        raise StorageRefusalError("An error occurred while communicating with Azure Storage")
    return instance_id
