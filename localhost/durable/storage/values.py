"""What a row of the store can hold: the one place where values on their way to it are judged."""

from typing import Any

from localhost.durable.errors import UnstorableError
from localhost.texts import make_printable

# SQLite takes a thousand million bytes in a row, and an instance has three such texts.
LARGEST_TEXT_BYTES = 300_000_000
_LEAST, _GREATEST = -(2**63), 2**63 - 1


def storable_row(row: tuple[Any, ...]) -> tuple[Any, ...]:
    """Give the values of a row as the store keeps them; nearly all rows are given back as they are.

    Raises:
        UnstorableError: The store cannot hold one.
    """
    for value in row:
        if type(value) is str:
            is_plain = value.isascii() and len(value) <= LARGEST_TEXT_BYTES
        else:
            is_plain = value is None or (type(value) is int and _LEAST <= value <= _GREATEST)
        if not is_plain:
            return tuple(map(storable, row))
    return row


def storable(value: Any) -> Any:
    r"""Give a value as the store keeps it; lone surrogates of a text become escapes (``\udce9``).

    Raises:
        UnstorableError: The store cannot hold it.
    """
    if value is None:
        return None
    if isinstance(value, str):
        return _storable_text(value)
    if isinstance(value, int) and _LEAST <= value <= _GREATEST:
        return value
    raise UnstorableError(f"the store cannot hold a value of type {type(value).__name__}")


def _storable_text(text: str) -> str:
    if text.isascii():  # nearly all are: history is ASCII
        size = len(text)
    else:
        try:
            size = len(text.encode())
        except UnicodeEncodeError:
            text = make_printable(text)
            size = len(text.encode())
    if size > LARGEST_TEXT_BYTES:
        raise UnstorableError(
            f"a text of {size:,} bytes is too large for the store, which takes "
            f"{LARGEST_TEXT_BYTES:,}"
        )
    return text
