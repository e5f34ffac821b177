"""Of what a function has set, the messages that are sent, as the Functions host makes them.

A text that looks like JSON is read as such: each element of an array is a message, and what is an
object or an array is written anew, with an indent of two. So a text leaves in another form than it
came in; what reads it must not compare bytes.
Source: FunctionBinding.cs of the Functions host; azure-functions-host issues 9581 and 9815.
"""

import json
from typing import Any

_ENDS = {"{": "}", "[": "]"}


def split_messages(value: str | bytes | list[str]) -> list[str | bytes]:
    """The bodies of the messages that a value stands for.

    Raises:
        ValueError: It looks like JSON and is none.
    """
    if isinstance(value, bytes):
        return [value]
    if isinstance(value, list):
        return list(value)
    text = value.strip()
    if not text or _ENDS.get(text[0]) != text[-1]:
        return [value]
    try:
        document = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise ValueError(
            f"the text begins and ends like JSON and is none ({error}), as in Azure"
        ) from error
    elements = document if isinstance(document, list) else [document]
    return [_text(element) for element in elements]


def _text(element: Any) -> str:
    if isinstance(element, str):
        return element
    if element is None:
        return ""
    if isinstance(element, bool):
        return str(element)  # .NET writes it as Python does
    return json.dumps(element, indent=2, ensure_ascii=False)
