"""Why a blob becomes no picture, each reason with its name."""

import struct
import zlib

from fanout.errors import PermanentError
from fanout.printable import describe_error

# What Pillow and its codecs raise for broken files.
PILLOW_ERRORS = (
    OSError,
    ValueError,
    SyntaxError,
    EOFError,
    struct.error,
    zlib.error,
    LookupError,
    TypeError,
    AttributeError,
    AssertionError,
    ArithmeticError,
    RuntimeError,
)
_UNSUPPORTED_WORDS = ("unsupported", "not supported", "not yet supported", "unknown pixel mode")


class NotAnImageError(PermanentError):
    """The blob is no picture of a known format."""


class TruncatedImageError(PermanentError):
    """The picture ends before it should."""


class CorruptImageError(PermanentError):
    """The picture is of a known format, and broken."""


class UnsupportedImageError(PermanentError):
    """The picture may be sound, and is of a kind that cannot be shown as it is meant."""


class ImageTooLargeError(PermanentError):
    """The picture has more pixels than are allowed."""


class EncodingError(PermanentError):
    """A rendition cannot be written in its format."""


def error_of_head(error: Exception) -> PermanentError:
    """Name what Pillow raised while it read the head of a file."""
    return _name_error("its head is broken", error)


def error_of_pixels(error: Exception) -> PermanentError:
    """Name what Pillow raised while it decoded pixels."""
    if "truncated" in describe_error(error).lower() or isinstance(error, EOFError):
        return TruncatedImageError(describe_error(error))
    return _name_error("its pixels are broken", error)


def _name_error(fault: str, error: Exception) -> PermanentError:
    text = describe_error(error) or type(error).__name__
    if any(word in text.lower() for word in _UNSUPPORTED_WORDS):
        return UnsupportedImageError(f"pictures of its kind cannot be read: {text}")
    return CorruptImageError(f"{fault}: {text}")
