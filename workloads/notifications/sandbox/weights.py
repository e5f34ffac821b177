"""The weight of a value: about what it takes to read it, to compare it or to write it out.

A list that is in another one twice counts twice, as it does when it is written out: thirty lists,
each with the one before it twice, are small in memory and a billion elements of output.
"""

from collections.abc import Sized
from typing import Any

from jinja2 import Undefined
from jinja2.filters import _GroupTuple
from markupsafe import Markup

from workloads.notifications.sandbox.budget import ELEMENT
from workloads.notifications.sandbox.errors import TemplateLimitError

MAX_DEPTH = 250
TEXTS = frozenset((str, Markup))
NUMBERS = frozenset((int, float, bool))
SCALARS = NUMBERS | {type(None)}
SEQUENCES = frozenset((list, tuple, range, _GroupTuple))
_DIGIT_BITS = 3
_ESCAPE = 4


def weigh(value: Any, limit: int) -> int:
    """Weigh a value, and no further than to a limit, by walking through it level by level.

    Raises:
        TemplateLimitError: It weighs more than the limit, or is nested too deep.
        TypeError: It is, or has in it, something that is no data: a macro, a loop, a namespace.
        UndefinedError: It is, or has in it, a field that is missing.
    """
    if isinstance(value, str) and type(value) in TEXTS:
        return len(value)
    weight, depth = 0, 0
    level = [value]
    while level:
        depth += 1
        if depth > MAX_DEPTH:
            raise TemplateLimitError(f"a value is nested more than {MAX_DEPTH} deep")
        below: list[Any] = []
        for item in level:
            weight += _weigh_one(item)
            if weight > limit:
                raise TemplateLimitError("a value is too large for what is left of the work")
            below += _children(item)
        level = below
    return weight


def weigh_text(value: Any, limit: int) -> int:
    """Weigh a value that is about to be written as a text: in a list, letters become escapes.

    Raises:
        TemplateLimitError: It weighs more than the limit, or is nested too deep.
        TypeError: It is, or has in it, something that is no data.
        UndefinedError: It is, or has in it, a field that is missing.
    """
    kind = type(value)
    return weigh(value, limit) * (1 if kind in TEXTS or kind in SCALARS else _ESCAPE)


def html_length(text: str) -> int:
    """Give how many characters a text has once it is escaped, if it is not safe already."""
    if isinstance(text, Markup):
        return len(text)
    # It writes `&#34;`, `&#39;` and `&amp;`, but `&lt;` and `&gt;`.
    long = text.count('"') + text.count("'") + text.count("&")
    return len(text) + 4 * long + 3 * (text.count("<") + text.count(">"))


def _weigh_one(value: Any) -> int:
    kind = type(value)
    if kind in TEXTS:
        return _length(value)
    if type(value) is int:
        return ELEMENT + value.bit_length() // _DIGIT_BITS
    if kind in SCALARS:
        return ELEMENT
    if kind is dict:
        return ELEMENT + 2 * ELEMENT * _length(value)
    if kind in SEQUENCES:
        return ELEMENT + ELEMENT * _length(value)
    if isinstance(value, Undefined):
        return len(str(value))  # raises what Jinja says of it, unless it is an `if` without `else`
    raise TypeError(f"a {kind.__name__} is no text, number, list or object")


def _length(value: Sized) -> int:
    return len(value)


def _children(value: Any) -> list[Any]:
    kind = type(value)
    if kind is dict:
        return [*value.keys(), *value.values()]
    return list(value) if kind in SEQUENCES and kind is not range else []


def require_scalar(value: Any) -> None:
    """Refuse what is no text, number, boolean or none: to hash a tuple is to walk through it.

    Raises:
        TypeError: It is another kind of value.
        UndefinedError: It is a field that is missing.
    """
    kind = type(value)
    if kind in TEXTS or kind in SCALARS:
        return
    if isinstance(value, Undefined):
        str(value)
    raise TypeError(f"a {kind.__name__} is no name or index")
