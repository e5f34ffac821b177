"""Parameters that are clients of what a binding names: `BlobClient` and the like.

They come from `azurefunctions-extensions-bindings-blob`, which the app has to import; this host
does not. The host hands over where the blob is, and the extension makes the client.
"""

import json
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from localhost.execution.contract import BlobReference

EXTENSIONS = "azurefunctions.extensions.base"
BLOB_TYPES = ("blob", "blobTrigger")


@dataclass(frozen=True, slots=True)
class ModelBindingData:
    """What Azure's host sends in place of a value; the names are those of the protocol."""

    version: str
    source: str
    content_type: str
    content: bytes


class UnservedError(Exception):
    """A parameter needs what Azure serves and this host does not; the message says which."""


def is_client(annotation: Any) -> bool:
    """Whether a parameter is annotated with a client of an extension."""
    extensions = sys.modules.get(EXTENSIONS)
    return extensions is not None and bool(
        extensions.get_binding_registry().check_supported_type(annotation)
    )


def check_client(name: str, annotation: Any, binding: Mapping[str, Any]) -> None:
    """Look at a parameter that is annotated with a client.

    Raises:
        UnservedError: It is one that this host does not give.
    """
    binding_type = str(binding["type"])
    converter = _converter(binding_type) if binding_type in BLOB_TYPES else None
    if converter is None or not converter.check_input_type_annotation(annotation):
        raise UnservedError(
            f"this host does not serve a {annotation!r}, as which its parameter '{name}' is "
            f"annotated, for a binding of type {binding_type}"
        )


def make_client(binding_type: str, annotation: Any, reference: BlobReference) -> Any:
    """Make the client.

    Raises:
        ValueError: The extension cannot; the message says why.
    """
    content = {
        "Connection": reference.connection,
        "ContainerName": reference.container,
        "BlobName": reference.name,
    }
    data = ModelBindingData(
        "1.0", "AzureStorageBlobs", "application/json", json.dumps(content).encode()
    )
    datum = sys.modules[EXTENSIONS].Datum(data, "model_binding_data")
    return _converter(binding_type).decode(datum, trigger_metadata={}, pytype=annotation)


def mark(binding: Mapping[str, Any], annotation: Any) -> dict[str, Any]:
    """A binding that tells the host whether it gets a client."""
    if str(binding.get("direction")) == "out" or not is_client(annotation):
        return dict(binding)
    return {**binding, "properties": {"SupportsDeferredBinding": True}}


def _converter(binding_type: str) -> Any:
    return sys.modules[EXTENSIONS].get_binding_registry().get(binding_type)
