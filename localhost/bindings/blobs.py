"""Blob inputs and outputs.

An input without `data_type` is text, as in Azure: its bytes are decoded as UTF-8, and what is none
is lost. `data_type=BINARY` gives the bytes. A blob that is not there is None.

Sources: WorkerFunctionInvoker and FunctionBinding of the Functions host; WriteBlobArgumentBinding
of the storage extension.
"""

import logging
from collections.abc import Mapping
from typing import Any

from azure.core.exceptions import ResourceExistsError, ResourceNotFoundError

from localhost.bindings.connections import StorageConnection
from localhost.bindings.contract import BindingError
from localhost.bindings.expressions import ExpressionError, check_template
from localhost.bindings.storage_clients import BlobClients
from localhost.bindings.trigger_data import binding_data
from localhost.execution.contract import BlobReference, FunctionInfo, Invocation, is_deferred

logger = logging.getLogger(__name__)

TYPE = "blob"
DEFAULT_CONNECTION = "AzureWebJobsStorage"
# Blobs that a function has written carry the id of the call, as in Azure.
PARENT_KEY = "AzureWebJobsParentId"
_LOST_CHARACTER = "\N{REPLACEMENT CHARACTER}"


class BlobInput:
    """Reads the blob of one binding, or says where it is to a client.

    Args:
        info: The function.
        binding: Its input.
        environment: The settings, which name the connection.

    Raises:
        BindingError: Its path names no blob, or its connection no setting.
    """

    def __init__(
        self, info: FunctionInfo, binding: Mapping[str, Any], environment: Mapping[str, str]
    ) -> None:
        self._info = info
        self._binding = binding
        self._path = _path(info, binding)
        self._clients = BlobClients(StorageConnection.of_binding(info, binding, environment, TYPE))
        if binding.get("dataType") == "stream":
            logger.warning(
                "Function '%s': its binding '%s' is always None with data_type STREAM, as in "
                "Azure; leave that out for text, or say BINARY.",
                info.name,
                binding["name"],
            )

    async def read(self, invocation: Invocation) -> Any:
        """Give text, bytes or a `BlobReference`; see `Input`."""
        path = binding_data(self._info, invocation).fill(self._path)
        container, _, name = path.partition("/")
        if is_deferred(self._binding):
            connection = str(self._binding.get("connection") or DEFAULT_CONNECTION)
            return BlobReference(connection, container, name)
        service = await self._clients.service()
        try:
            stream = await service.get_blob_client(container, name).download_blob()
            content = await stream.readall()
        except ResourceNotFoundError:
            return None
        return self._typed_content(path, content)

    async def close(self) -> None:
        """See `Input`."""
        await self._clients.close()

    def _typed_content(self, path: str, content: bytes) -> str | bytes | None:
        match self._binding.get("dataType"):
            case "binary":
                return content
            case "stream":
                return None
        text = content.decode("utf-8-sig", "replace")
        if _LOST_CHARACTER in text:
            logger.warning(
                "The blob '%s' is no text in UTF-8, and the binding '%s' of the function '%s' has "
                "no data_type BINARY: here as in Azure it gets characters of it lost.",
                path,
                self._binding["name"],
                self._info.name,
            )
        return text


class BlobOutput:
    """Writes the blob of one binding, in place of one that is there.

    Args:
        info: The function.
        binding: Its output.
        environment: The settings, which name the connection.

    Raises:
        BindingError: Its path names no blob, or its connection no setting.
    """

    def __init__(
        self, info: FunctionInfo, binding: Mapping[str, Any], environment: Mapping[str, str]
    ) -> None:
        self._info = info
        self._path = _path(info, binding)
        self._clients = BlobClients(StorageConnection.of_binding(info, binding, environment, TYPE))

    async def write(self, value: Any, invocation: Invocation) -> None:
        """Write text or bytes; a container that is missing is made. See `Output`."""
        path = binding_data(self._info, invocation).fill(self._path)
        container, _, name = path.partition("/")
        service = await self._clients.service()
        blob = service.get_blob_client(container, name)
        content = value.encode() if isinstance(value, str) else value
        metadata = {PARENT_KEY: invocation.id}
        try:
            await blob.upload_blob(content, overwrite=True, metadata=metadata)
        except ResourceNotFoundError:
            try:
                await service.create_container(container)
            except ResourceExistsError:  # another call was quicker
                logger.debug("the container '%s' is there already", container)
            await blob.upload_blob(content, overwrite=True, metadata=metadata)

    async def close(self) -> None:
        """See `Output`."""
        await self._clients.close()


def _path(info: FunctionInfo, binding: Mapping[str, Any]) -> str:
    path = str(binding.get("path") or "")
    container, _, name = path.partition("/")
    if not container or not (name or is_deferred(binding)):
        raise BindingError(
            f"Function '{info.name}': the path '{path}' of its binding '{binding['name']}' must "
            "name a container and a blob, such as 'texts/{name}.txt'."
        )
    try:
        check_template(path)
    except ExpressionError as error:
        raise BindingError(
            f"Function '{info.name}': the path of its binding '{binding['name']}': {error}. Write "
            "a brace that is meant as such twice."
        ) from error
    return path
