"""What a BMP says that Pillow passes over: its colour profile, and the alpha of 16 bits.

Source: https://learn.microsoft.com/en-us/windows/win32/api/wingdi/ns-wingdi-bitmapv5header
"""

import struct
from typing import TYPE_CHECKING

from workloads.images.errors import TruncatedImageError, UnsupportedImageError

if TYPE_CHECKING:
    from PIL import Image

_FILE_HEAD_BYTES = 14
_ALPHA_HEAD_BYTES, _PROFILE_HEAD_BYTES = 56, 124
_BIT_FIELDS = 3
# PROFILE_EMBEDDED, 'MBED' as a number.
_PROFILE_EMBEDDED = 0x4D424544


def prepare_bmp(image: "Image.Image", data: bytes) -> None:
    """Give an open BMP its colour profile; other pictures stay as they are.

    Raises:
        TruncatedImageError: It ends before its profile does.
        UnsupportedImageError: Its alpha would be lost.
    """
    if image.format != "BMP" or len(data) < _FILE_HEAD_BYTES + _PROFILE_HEAD_BYTES:
        return
    (head_bytes,) = struct.unpack_from("<I", data, _FILE_HEAD_BYTES)
    bits, compression = struct.unpack_from("<HI", data, _FILE_HEAD_BYTES + 14)
    (alpha_mask,) = struct.unpack_from("<I", data, _FILE_HEAD_BYTES + 52)
    has_alpha = head_bytes >= _ALPHA_HEAD_BYTES and compression == _BIT_FIELDS and alpha_mask
    if bits == 16 and has_alpha:
        raise UnsupportedImageError("a BMP of 16 bits with alpha cannot be read")
    if head_bytes >= _PROFILE_HEAD_BYTES and (profile := _profile(data)):
        image.info["icc_profile"] = profile


def _profile(data: bytes) -> bytes:
    (kind,) = struct.unpack_from("<I", data, _FILE_HEAD_BYTES + 56)
    if kind != _PROFILE_EMBEDDED:
        return b""
    offset, size = struct.unpack_from("<II", data, _FILE_HEAD_BYTES + 112)
    start, end = _FILE_HEAD_BYTES + offset, _FILE_HEAD_BYTES + offset + size
    if end > len(data):
        raise TruncatedImageError("it ends before its colour profile does")
    return data[start:end]
