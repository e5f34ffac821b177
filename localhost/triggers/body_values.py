"""What a message says of itself in its body, which wins over what its service says of it.

Azure's host takes each value of a JSON object for metadata of the trigger, by its name: the message
`{"id": 7}` of a Storage queue has the id 7. So it is here, to be found before it happens there.
Source: Utility.cs of the Functions host; azure-functions-host issue 7119,
azure-functions-python-worker issue 1373, azure-functions-dotnet-worker issue 991.
"""

import json
from collections.abc import Mapping
from typing import Any

from localhost.bindings.json_values import json_values


def with_body_values(metadata: Mapping[str, Any], body: str) -> dict[str, Any]:
    """The metadata with the values of the body, if it is a JSON object."""
    values = dict(metadata)
    text = body.strip()
    if not (text.startswith("{") and text.endswith("}")):
        return values
    try:
        document = json.loads(text)
    except (ValueError, RecursionError):
        return values
    known = {name.lower(): name for name in metadata}
    for name, value in json_values(document).items():
        values[known.get(name.lower(), name)] = value
    return values
