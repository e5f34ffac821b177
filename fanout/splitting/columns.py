"""The names of the columns of a CSV: those of its first record, or what a request makes of them."""

import re
from collections import Counter
from collections.abc import Mapping, Sequence

from fanout.errors import FanoutError
from fanout.models.source import MAX_COLUMN_NAME_CHARACTERS, MAX_COLUMNS

_SHOWN_CHARACTERS = 50
_POSITION = re.compile(r"[1-9][0-9]{0,8}")


class HeaderError(FanoutError):
    """The first record of a CSV does not name its columns."""


def insist_on_few(names: Sequence[str]) -> None:
    """Insist that there are not too many columns, and that none has too long a name.

    Raises:
        HeaderError: There are more than `MAX_COLUMNS`, or a name has more characters than
            `MAX_COLUMN_NAME_CHARACTERS`; it tells which column.
    """
    if len(names) > MAX_COLUMNS:
        raise HeaderError(f"the header has {len(names)} columns; {MAX_COLUMNS} are allowed")
    for number, name in enumerate(names, 1):
        if len(name) > MAX_COLUMN_NAME_CHARACTERS:
            raise HeaderError(
                f"the name of column {number}, '{name[:_SHOWN_CHARACTERS]}…', has {len(name)} "
                f"characters; {MAX_COLUMN_NAME_CHARACTERS} are allowed"
            )


def rename_columns(names: Sequence[str], new_names: Mapping[str, str]) -> list[str]:
    """Give some columns new names.

    Args:
        names: The names in the header.
        new_names: By the old name, or by the 1-based position of the column: a key that is the
            name of a column means that name.

    Raises:
        HeaderError: There is no such column, several have the old name, or one has two new names.
    """
    renamed = list(names)
    changed: set[int] = set()
    for key, new_name in new_names.items():
        place = _find_column(names, key)
        if place in changed:
            raise HeaderError(f"column {place + 1} is renamed twice, the second time by '{key}'")
        changed.add(place)
        renamed[place] = new_name
    return renamed


def insist_on_different(names: Sequence[str]) -> list[str]:
    """Give the names if no two are the same.

    Raises:
        HeaderError: Some are; it tells which columns, and what a request can say of them.
    """
    repeated = [name for name, times in Counter(names).items() if times > 1]
    if not repeated:
        return list(names)
    groups = ", ".join(f"'{name}' (columns {_positions(names, name)})" for name in repeated)
    last = len(names) - list(reversed(names)).index(repeated[0])
    raise HeaderError(
        f"the header has these column names more than once: {groups}; the source can say "
        f'"header": {{"rename": {{"{last}": "NEW NAME"}}}} or name all columns by '
        '"header": {"names": [...]}'
    )


def _find_column(names: Sequence[str], key: str) -> int:
    times = names.count(key)
    if times == 1:
        return names.index(key)
    if times > 1:
        positions = _positions(names, key)
        raise HeaderError(f"'{key}' to be renamed is the name of columns {positions}: give one")
    if _POSITION.fullmatch(key) and int(key) <= len(names):
        return int(key) - 1
    known = ", ".join(f"'{name}'" for name in names[:50])
    raise HeaderError(
        f"'{key[:100]}' to be renamed is neither a column nor its position; it has {known}"
    )


def _positions(names: Sequence[str], name: str) -> str:
    return ", ".join(str(number) for number, other in enumerate(names, 1) if other == name)
