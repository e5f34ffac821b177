"""Large texts, kept out of the histories that live in memory.

A text longer than `HOT_LIMIT` is stored once in the table `payloads`; where it belongs in a history
stands a marker between NUL characters, which no JSON text can contain, and the text is put there
when the history is handed to the SDK.
"""

import json
import re
import uuid
from collections.abc import Mapping

HOT_LIMIT = 45 * 1024
_MARKER = re.compile("\0([rs])([0-9a-f]{32})\0")


class Payloads:
    """The large texts of one transaction, by id."""

    __slots__ = ("texts",)

    def __init__(self) -> None:
        self.texts: dict[str, str] = {}

    def literal(self, text: str | None) -> str:
        """Encode a text as a JSON string (null for None), or as the marker of one."""
        if text is None:
            return "null"
        if len(text) <= HOT_LIMIT:
            return json.dumps(text)
        return self._keep("s", text)

    def raw(self, text: str | None) -> str:
        """Pass JSON text on as it is (null for None), or as a marker for it."""
        if text is None:
            return "null"
        return text if len(text) <= HOT_LIMIT else self._keep("r", text)

    def _keep(self, kind: str, text: str) -> str:
        payload_id = uuid.uuid4().hex
        self.texts[payload_id] = text
        return f"\0{kind}{payload_id}\0"


def references(text: str) -> set[str]:
    """List the ids of the payloads a text refers to."""
    if "\0" not in text:
        return set()
    return {match[2] for match in _MARKER.finditer(text)}


def blank(text: str) -> str:
    """Put null in place of every marker, which makes the text JSON."""
    return _MARKER.sub("null", text) if "\0" in text else text


def join(text: str, payloads: Mapping[str, str]) -> str:
    """Put every payload where its marker stands."""
    if not payloads:
        return text

    def insert(match: re.Match[str]) -> str:
        payload = payloads[match[2]]
        return json.dumps(payload) if match[1] == "s" else payload

    return _MARKER.sub(insert, text)
