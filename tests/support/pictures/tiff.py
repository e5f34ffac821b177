"""TIFF files written from their samples, by no library that the product reads with.

Source: TIFF 6.0, https://www.itu.int/itudoc/itu-t/com16/tiff-fx/docs/tiff6.pdf
"""

import struct
import zlib
from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np

WHITE_IS_ZERO, BLACK_IS_ZERO, RGB, PALETTE, CMYK, YCBCR, CIELAB = 0, 1, 2, 3, 5, 6, 8
UNSIGNED, SIGNED, FLOAT = 1, 2, 3
UNSPECIFIED, ASSOCIATED_ALPHA, UNASSOCIATED_ALPHA = 0, 1, 2
S_MIN_SAMPLE_VALUE, S_MAX_SAMPLE_VALUE = 340, 341
ORIENTATION, ICC_PROFILE = 274, 34675
_CODES = {"H": 3, "I": 4, "B": 7, "f": 11, "d": 12}
_SHORT_FIELD_BYTES = 4
_FORMATS = {"u": UNSIGNED, "i": SIGNED, "f": FLOAT}


@dataclass(frozen=True)
class Layout:
    """How a file holds its samples.

    Attributes:
        order: ``<`` for II, ``>`` for MM.
        extra_samples: What the samples beyond those of the colour are.
        is_planar: Whether each band has a strip of its own.
        tile: Width and height of its tiles; strips without.
        bits: 12 for packed grey of twelve bits; else those of the array.
        fields: Other tags: the code of their type in `struct`, and their values.
    """

    photometric: int
    order: str = "<"
    extra_samples: tuple[int, ...] = ()
    is_planar: bool = False
    is_deflated: bool = False
    tile: tuple[int, int] | None = None
    bits: int | None = None
    fields: Mapping[int, tuple[str, tuple[float, ...]]] = field(default_factory=dict)


def tiff_file(samples: "np.ndarray", layout: Layout) -> bytes:
    """Write an array of rows, columns and bands."""
    blocks = [_encode(block, layout) for block in _blocks(samples, layout)]
    tags = _tags(samples, layout) | dict(layout.fields)
    offsets, data = [], b""
    for block in blocks:
        offsets.append(8 + len(data))
        data += block + b"\0" * (len(block) % 2)
    first, second = (273, 279) if layout.tile is None else (324, 325)
    tags[first] = ("I", tuple(offsets))
    tags[second] = ("I", tuple(map(len, blocks)))
    start = 8 + len(data)
    head = (b"II" if layout.order == "<" else b"MM") + struct.pack(layout.order + "HI", 42, start)
    return head + data + _directory(tags, layout.order, start)


def _tags(samples: "np.ndarray", layout: Layout) -> dict[int, tuple[str, tuple[float, ...]]]:
    height, width, bands = samples.shape
    tags: dict[int, tuple[str, tuple[float, ...]]] = {
        256: ("I", (width,)),
        257: ("I", (height,)),
        258: ("H", (layout.bits or samples.itemsize * 8,) * bands),
        259: ("H", (8 if layout.is_deflated else 1,)),
        262: ("H", (layout.photometric,)),
        277: ("H", (bands,)),
        284: ("H", (2 if layout.is_planar else 1,)),
        339: ("H", (_FORMATS[samples.dtype.kind],) * bands),
    }
    if layout.tile:
        tags |= {322: ("I", (layout.tile[0],)), 323: ("I", (layout.tile[1],))}
    else:
        tags[278] = ("I", (height,))
    if layout.extra_samples:
        tags[338] = ("H", layout.extra_samples)
    return tags


def _blocks(samples: "np.ndarray", layout: Layout) -> "list[np.ndarray]":
    """Its strips or tiles, in the order of the file."""
    bands = samples.shape[2]
    planes = [samples[:, :, n : n + 1] for n in range(bands)] if layout.is_planar else [samples]
    if layout.tile is None:
        return planes
    return [tile for plane in planes for tile in _tiles(plane, *layout.tile)]


def _tiles(plane: "np.ndarray", width: int, height: int) -> "list[np.ndarray]":
    rows, columns, _ = plane.shape
    padding = ((0, -rows % height), (0, -columns % width), (0, 0))
    padded = np.pad(plane, padding)
    return [
        padded[top : top + height, left : left + width]
        for top in range(0, rows, height)
        for left in range(0, columns, width)
    ]


def _encode(block: "np.ndarray", layout: Layout) -> bytes:
    ordered = block.astype(block.dtype.newbyteorder(layout.order))
    data = _pack_twelve_bits(block) if layout.bits == 12 else ordered.tobytes()
    return zlib.compress(data) if layout.is_deflated else data


def _pack_twelve_bits(block: "np.ndarray") -> bytes:
    packed = b""
    for row in block[:, :, 0]:
        bits = "".join(f"{value:012b}" for value in row)
        bits += "0" * (-len(bits) % 8)
        packed += int(bits, 2).to_bytes(len(bits) // 8, "big")
    return packed


def _directory(tags: Mapping[int, tuple[str, tuple[float, ...]]], order: str, start: int) -> bytes:
    end = start + 2 + 12 * len(tags) + 4
    entries, values = struct.pack(order + "H", len(tags)), b""
    for tag, (code, numbers) in sorted(tags.items()):
        value = struct.pack(f"{order}{len(numbers)}{code}", *numbers)
        entries += struct.pack(order + "HHI", tag, _CODES[code], len(numbers))
        if len(value) > _SHORT_FIELD_BYTES:
            entries += struct.pack(order + "I", end + len(values))
            values += value + b"\0" * (len(value) % 2)
        else:
            entries += value.ljust(_SHORT_FIELD_BYTES, b"\0")
    return entries + struct.pack(order + "I", 0) + values
