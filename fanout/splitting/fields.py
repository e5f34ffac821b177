"""The fields of one CSV record, by the grammar that `fanout.splitting.quotes` states."""

import re

from fanout.errors import FanoutError

# A quoted field with what follows its closing quote, or an unquoted field; then a comma or the end.
_FIELD = re.compile(
    r'(?:"(?P<quoted>(?:[^"]++|"")*+)(?P<closed>"?)(?P<after>[^,]*+)|(?P<plain>[^,]*+))(?:,|\Z)'
)


class MalformedRecordError(FanoutError):
    """A record whose quotes do not say where its fields end."""


def strip_ending(record: bytes | bytearray) -> bytes:
    """Take the line ending off a record: a line feed, and one carriage return before it."""
    return bytes(record).removesuffix(b"\n").removesuffix(b"\r")


def split_fields(record: str) -> list[str]:
    """Split a record, given without its line ending, into its fields.

    Raises:
        MalformedRecordError: A quote is not closed, or text follows a closing one.
    """
    if '"' not in record:
        return record.split(",")
    fields: list[str] = []
    position = 0
    while True:
        match = _FIELD.match(record, position)
        if match is None:
            raise AssertionError("the pattern matches at the start of every field")
        fields.append(_value(match))
        position = match.end()
        if position == len(record) and not match.group().endswith(","):
            return fields


def _value(match: re.Match[str]) -> str:
    quoted, closed, after, plain = match.groups()
    if quoted is None:
        return str(plain)
    if not closed:
        raise MalformedRecordError("a quoted field is not closed")
    if after:
        raise MalformedRecordError("text follows the closing quote of a field")
    return str(quoted).replace('""', '"')
