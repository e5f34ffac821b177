"""PNG files written chunk by chunk, by no library that the product reads with.

Source: https://www.w3.org/TR/png-3/
"""

import struct
import zlib
from collections.abc import Iterable

import numpy as np

GREY, RGB, PALETTE, GREY_ALPHA, RGBA = 0, 2, 3, 4, 6
SIGNATURE = b"\x89PNG\r\n\x1a\n"


def chunk(kind: bytes, data: bytes) -> bytes:
    """A chunk with its length and checksum."""
    body = kind + data
    return struct.pack(">I", len(data)) + body + struct.pack(">I", zlib.crc32(body))


def colour_profile(profile: bytes) -> bytes:
    """A chunk that holds an ICC profile."""
    return chunk(b"iCCP", b"profile\0\0" + zlib.compress(profile))


def png_file(
    samples: "np.ndarray",
    colour_type: int,
    bits: int = 8,
    chunks: Iterable[bytes] = (),
    last_chunks: Iterable[bytes] = (),
) -> bytes:
    """Write an array of rows, columns and bands.

    Args:
        samples: Values of so many bits.
        colour_type: As the specification numbers them.
        bits: 1, 2, 4, 8 or 16.
        chunks: What stands before the pixels.
        last_chunks: What stands after them.
    """
    height, width, _ = samples.shape
    head = struct.pack(">IIBBBBB", width, height, bits, colour_type, 0, 0, 0)
    rows = b"".join(b"\0" + _pack(row, bits) for row in samples)
    pixels = chunk(b"IDAT", zlib.compress(rows))
    before, after = b"".join(chunks), b"".join(last_chunks)
    return SIGNATURE + chunk(b"IHDR", head) + before + pixels + after + chunk(b"IEND", b"")


def _pack(row: "np.ndarray", bits: int) -> bytes:
    if bits >= 8:
        return row.astype(f">u{bits // 8}").tobytes()
    digits = "".join(f"{value:0{bits}b}" for value in row.ravel())
    digits += "0" * (-len(digits) % 8)
    return int(digits, 2).to_bytes(len(digits) // 8, "big")
