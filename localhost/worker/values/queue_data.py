"""Gives azure-functions what a Storage queue trigger delivers, and takes what a function sends.

The library writes a `QueueMessage` as an object of its id and its body. The body is what is sent.
"""

import json
from typing import Any

from azure.functions.meta import Datum


def body(payload: str | bytes) -> Datum:
    """The body of a message: a text, unless the binding's data type is binary."""
    return Datum(payload, "string" if isinstance(payload, str) else "bytes")


def sent_value(datum: Datum) -> str | bytes | list[str]:
    """What is sent: a text or bytes as they were set, or a list of bodies, each a message."""
    if datum.type != "json":
        value: str | bytes = datum.value
        return value
    document = json.loads(datum.value)
    return [_body(element) for element in (document if isinstance(document, list) else [document])]


def _body(element: Any) -> str:
    return str(element["body"] if isinstance(element, dict) else element)
