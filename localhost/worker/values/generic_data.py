"""What a function gives to a binding that azure-functions has no converter for, such as a table.

Source: GenericBinding of the Functions worker.
"""

import json
from typing import Any


def encode(value: Any) -> Any:
    """Give text, bytes or a number; objects and lists as JSON text.

    Raises:
        NotImplementedError: The worker does not send values of this type.
    """
    if value is None or isinstance(value, str | bytes | bytearray | int | float):
        return value
    if isinstance(value, dict | list):
        return json.dumps(value)
    raise NotImplementedError
