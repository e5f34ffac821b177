"""Photographs that anybody may use, and files that only claim to be photographs."""

import io
import struct
import zlib
from pathlib import Path

FOLDER = Path(__file__).parent
SUFFIXES = (".jpg", ".png")


def photos() -> dict[str, bytes]:
    """The photographs, by file name."""
    files = sorted(path for path in FOLDER.iterdir() if path.suffix in SUFFIXES)
    return {path.name: path.read_bytes() for path in files}


def hostile() -> dict[str, bytes]:
    """Files that must be refused, by file name."""
    photo = photos()["rocket.jpg"]
    return {
        "cut-short.jpg": photo[: len(photo) // 2],
        "bomb.png": bomb(60_000, 60_000),
        "letter.jpg": b"Dear Sir or Madam, this is no photograph.",
        "empty.jpg": b"",
        "page.jpg": b"<svg xmlns='http://www.w3.org/2000/svg'><script>alert(1)</script></svg>",
    }


def bomb(width: int, height: int) -> bytes:
    """A PNG of a few bytes that claims to have many pixels."""
    header = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    target = io.BytesIO(b"\x89PNG\r\n\x1a\n")
    target.seek(0, io.SEEK_END)
    for kind, data in ((b"IHDR", header), (b"IDAT", zlib.compress(bytes(1000))), (b"IEND", b"")):
        checksum = zlib.crc32(kind + data)
        target.write(struct.pack(">I", len(data)) + kind + data + struct.pack(">I", checksum))
    return target.getvalue()
