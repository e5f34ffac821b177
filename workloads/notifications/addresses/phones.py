"""Phone numbers in the form of E.164: ``+4930123456``."""

import re
import unicodedata

NUMBER_PATTERN = r"^\+[1-9][0-9]{5,14}$"
_NUMBER = re.compile(NUMBER_PATTERN.removesuffix("$") + r"\Z")
# What people write between digits (RFC 3966, 5.1.1, and the dashes and spaces of other scripts).
_SEPARATORS = re.compile(r"[\s().\-\u2010-\u2015\u2212]")
_TRUNK_ZERO = re.compile(r"\(\s*0\s*\)")
_FULL_WIDTH = str.maketrans("\uff0b\uff08\uff09\uff0d\uff0e", "+()-.")


def parse_number(text: str) -> str:
    """Read a number with digits of any script, with or without separators.

    Raises:
        ValueError: It is none. ``(0)`` in it is a digit abroad and none at home, so it is none.
    """
    if _NUMBER.match(text):
        return text
    plain = "".join(map(_plain_digit, text.translate(_FULL_WIDTH)))
    number = _SEPARATORS.sub("", plain)
    if not _TRUNK_ZERO.search(plain) and _NUMBER.match(number):
        return number
    raise ValueError("it is no phone number of the form +4930123456")


def _plain_digit(letter: str) -> str:
    return str(unicodedata.decimal(letter, letter))
