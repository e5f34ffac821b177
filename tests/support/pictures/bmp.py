"""BMP files with a BITMAPV5HEADER, written field by field.

Source: https://learn.microsoft.com/en-us/windows/win32/api/wingdi/ns-wingdi-bitmapv5header
"""

import struct

import numpy as np

MASKS_32 = (0x00FF0000, 0x0000FF00, 0x000000FF, 0xFF000000)
MASKS_16 = (0x7C00, 0x03E0, 0x001F, 0x8000)
_HEAD_BYTES = 124


def bmp_file(
    pixels: "np.ndarray", masks: tuple[int, int, int, int] = MASKS_32, profile: bytes = b""
) -> bytes:
    """Write whole pixels of 16 or 32 bits, and maybe a colour profile behind them."""
    height, width = pixels.shape
    data = pixels.tobytes()
    bits = pixels.itemsize * 8
    head = struct.pack("<IiiHHIIiiII", _HEAD_BYTES, width, -height, 1, bits, 3, 0, 0, 0, 0, 0)
    head += struct.pack("<4I4s", *masks, b"DEBM" if profile else b"BGRs") + bytes(48)
    head += struct.pack("<IIII", 4, _HEAD_BYTES + len(data), len(profile), 0)
    start = 14 + len(head)
    size = start + len(data) + len(profile)
    return b"BM" + struct.pack("<IHHI", size, 0, 0, start) + head + data + profile
