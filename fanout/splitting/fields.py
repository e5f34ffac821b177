"""The fields of one CSV record, by the grammar that `fanout.splitting.quotes` states."""

import re
from functools import lru_cache

from fanout.errors import FanoutError


class MalformedRecordError(FanoutError):
    """A record whose quotes do not say where its fields end."""


def strip_ending(record: bytes | bytearray) -> bytes:
    """Take the line ending off a record: a line feed, a carriage return, or both."""
    return bytes(record).removesuffix(b"\n").removesuffix(b"\r")


def split_fields(record: str, delimiter: str = ",") -> list[str]:
    """Split a record, given without its line ending, into its fields.

    Raises:
        MalformedRecordError: A quote is not closed, or text follows a closing one.
    """
    if '"' not in record:
        return record.split(delimiter)
    field = _field_pattern(delimiter)
    fields: list[str] = []
    position = 0
    while True:
        match = field.match(record, position)
        if match is None:
            raise AssertionError("the pattern matches at the start of every field")
        fields.append(_value(match))
        position = match.end()
        if position == len(record) and not match.group().endswith(delimiter):
            return fields


@lru_cache(maxsize=128)
def _field_pattern(delimiter: str) -> re.Pattern[str]:
    """A quoted field with what follows its closing quote, or a plain one; then its end."""
    end = re.escape(delimiter)
    quoted = rf'"(?P<quoted>(?:[^"]++|"")*+)(?P<closed>"?)(?P<after>[^{end}]*+)'
    return re.compile(rf"(?:{quoted}|(?P<plain>[^{end}]*+))(?:{end}|\Z)")


def _value(match: re.Match[str]) -> str:
    quoted, closed, after, plain = match.groups()
    if quoted is None:
        return str(plain)
    if not closed:
        raise MalformedRecordError("a quoted field is not closed")
    if after:
        raise MalformedRecordError("text follows the closing quote of a field")
    return str(quoted).replace('""', '"')
