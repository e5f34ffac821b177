"""Gives azure-functions what a Service Bus trigger delivers, in the worker.

A batch travels as lists that are read in place. As JSON, each would be parsed anew for every field
of every message, which is quadratic: seconds for a batch of a thousand.
"""

import json
from collections.abc import Mapping
from types import SimpleNamespace
from typing import Any

from azure.functions.meta import Datum

from localhost.execution.contract import Invocation

_TYPES = {str: "string", bytes: "bytes", int: "int", float: "double"}
_COUNTED = "UserPropertiesArray"


class _CountedText(str):
    """The JSON text from which the messages are counted, and the list that it stands for."""

    string: list[Any]


def body(payload: bytes | list[bytes]) -> Datum:
    """The body of one message, or those of a batch."""
    if isinstance(payload, bytes):
        return Datum(payload, "bytes")
    return Datum(SimpleNamespace(bytes=payload), "collection_bytes")


def metadata(values: Mapping[str, Any]) -> dict[str, Datum]:
    """The metadata of one message or of a batch."""
    return {name: _datum(name, value) for name, value in values.items()}


def text(invocation: Invocation) -> str:
    """The body for a parameter annotated `str`.

    Raises:
        TypeError: It is a batch.
        UnicodeDecodeError: It is no UTF-8.
    """
    if not isinstance(invocation.payload, bytes):
        raise TypeError("a parameter annotated str cannot take a batch of messages")
    return invocation.payload.decode()


def _datum(name: str, value: Any) -> Datum:
    if isinstance(value, list):
        if name != _COUNTED:
            return Datum(SimpleNamespace(string=value), "collection_string")
        counted_text = _CountedText(json.dumps(value))
        counted_text.string = value
        return Datum(counted_text, "collection_string")
    if isinstance(value, dict):
        return Datum(json.dumps(value), "json")
    return Datum(value, _TYPES[type(value)])
