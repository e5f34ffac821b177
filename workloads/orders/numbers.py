"""How a number of an order may be written: any other form is refused, and not guessed at."""

import re
from typing import Any

from pydantic import BeforeValidator

MAX_NUMBER_CHARACTERS = 100
_NUMBER = re.compile(r"\s*[+-]?([0-9]+(\.[0-9]*)?|\.[0-9]+)([eE][+-]?[0-9]+)?\s*")


def _require_number(value: Any) -> Any:
    """Refuse what only Python takes for a number: true, ``1_0``, digits beyond ASCII."""
    if isinstance(value, bool) or (isinstance(value, str) and not _is_number(value)):
        raise ValueError("it is no number")
    return value


def _is_number(text: str) -> bool:
    return len(text) <= MAX_NUMBER_CHARACTERS and _NUMBER.fullmatch(text) is not None


WRITTEN_NUMBER = BeforeValidator(_require_number)
