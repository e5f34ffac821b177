r"""Text of others on its way to a terminal: what would steer the terminal is written out.

Items, errors and names come from strangers. An escape sequence in one moves the cursor, renames the
window or types into the shell of whoever reads it; a mark of direction makes text look like other
text. Neither reaches the terminal: each such character becomes an escape, ``\x1b``.

Sources:
    https://cwe.mitre.org/data/definitions/150.html
    https://www.unicode.org/reports/tr36/#Bidirectional_Text_Spoofing
"""

import re

# Controls of ISO 6429 but the tab and the end of a line; marks and overrides of direction; the ends
# of lines that only Unicode has.
_STEERING = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069]")


def is_visible(text: str) -> bool:
    """Tell whether a text has nothing that would steer a terminal."""
    return _STEERING.search(text) is None


def make_visible(text: str) -> str:
    r"""Write out what would steer a terminal: ``\x1b``, ``\u202e``."""
    return _STEERING.sub(lambda found: _write_out(found[0]), text)


def make_json_visible(text: str) -> str:
    """Write out, as JSON does, what would steer a terminal and JSON lets through."""
    return _STEERING.sub(lambda found: f"\\u{ord(found[0]):04x}", text)


def _write_out(character: str) -> str:
    number = ord(character)
    return f"\\x{number:02x}" if number < 0x100 else f"\\u{number:04x}"
