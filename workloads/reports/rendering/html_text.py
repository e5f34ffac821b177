"""Texts of the data inside a page of HTML."""

from html import escape as escape_markup

_C0, _DELETE, _C1 = range(0x20), 0x7F, range(0x80, 0xA0)
_PICTURES, _PICTURE_OF_DELETE, _REPLACEMENT = 0x2400, 0x2421, 0xFFFD
_BLANKS = "\t\n\f\r"
# The control characters that no page may have become pictures of them, where Unicode has some.
# Source: https://html.spec.whatwg.org/multipage/parsing.html#preprocessing-the-input-stream
_CONTROLS = (
    {code: _PICTURES + code for code in _C0 if chr(code) not in _BLANKS}
    | {_DELETE: _PICTURE_OF_DELETE}
    | dict.fromkeys(_C1, _REPLACEMENT)
)


def escape(text: str) -> str:
    """Write a text so that a page shows it, whatever is in it."""
    return escape_markup(text.translate(_CONTROLS))
