"""Colour profiles, made from the numbers that define them.

Source: ICC.1:2022, https://www.color.org/specification/ICC.1-2022-05.pdf; primaries of Adobe RGB
(1998) and Display P3 adapted to D50, as their publishers' profiles have them.
"""

import itertools
import struct
from collections.abc import Mapping, Sequence

_D50 = (0.9642, 1.0, 0.8249)
_ADOBE_RGB = ((0.60974, 0.31111, 0.01947), (0.20528, 0.62567, 0.06087), (0.14919, 0.06322, 0.74457))
_DISPLAY_P3 = (
    (0.51512, 0.24120, -0.00105),
    (0.29198, 0.69225, 0.04189),
    (0.15710, 0.06657, 0.78407),
)
_ADOBE_GAMMA, _GREY_GAMMA = 563 / 256, 1.8
_HEADER_BYTES, _ENTRY_BYTES = 128, 12


def _fixed(*numbers: float) -> bytes:
    return struct.pack(f">{len(numbers)}i", *(round(number * 65536) for number in numbers))


def _xyz(numbers: Sequence[float]) -> bytes:
    return b"XYZ \0\0\0\0" + _fixed(*numbers)


def _gamma_curve(gamma: float) -> bytes:
    return b"curv\0\0\0\0" + struct.pack(">IH", 1, round(gamma * 256))


def _srgb_curve() -> bytes:
    constants = _fixed(2.4, 1 / 1.055, 0.055 / 1.055, 1 / 12.92, 0.04045)
    return b"para\0\0\0\0" + struct.pack(">HH", 3, 0) + constants


def _profile(kind: bytes, space: bytes, pcs: bytes, tags: Mapping[bytes, bytes]) -> bytes:
    tags = {b"wtpt": _xyz(_D50), **tags}
    position = _HEADER_BYTES + 4 + _ENTRY_BYTES * len(tags)
    table, data = struct.pack(">I", len(tags)), b""
    for name, value in tags.items():
        table += name + struct.pack(">II", position + len(data), len(value))
        data += value + b"\0" * (-len(value) % 4)
    head = struct.pack(">I4sI", position + len(data), b"\0\0\0\0", 0x02400000)
    head += kind + space + pcs + struct.pack(">6H", 2026, 1, 1, 0, 0, 0) + b"acsp"
    head = head.ljust(68, b"\0") + _fixed(*_D50)
    return head.ljust(_HEADER_BYTES, b"\0") + table + data


def _display(primaries: Sequence[Sequence[float]], curve: bytes) -> bytes:
    columns = {b"%cXYZ" % letter: _xyz(xyz) for letter, xyz in zip(b"rgb", primaries, strict=True)}
    curves = {b"%cTRC" % letter: curve for letter in b"rgb"}
    return _profile(b"mntr", b"RGB ", b"XYZ ", columns | curves)


def _press() -> bytes:
    """Four inks by a table of two steps each: all inks of a corner give one Lab colour."""
    corners = b"".join(
        bytes(
            (
                _level(paper * (1 - k)),
                128 - round(60 * c) + round(50 * m),
                128 + round(70 * y - 40 * c),
            )
        )
        for c, m, y, k in itertools.product((0, 1), repeat=4)
        for paper in [(1 - 0.3 * c) * (1 - 0.4 * m) * (1 - 0.08 * y)]
    )
    head = b"mft1\0\0\0\0" + bytes((4, 3, 2, 0)) + _fixed(1, 0, 0, 0, 1, 0, 0, 0, 1)
    straight = bytes(range(256))
    table = head + straight * 4 + corners + straight * 3
    return _profile(b"prtr", b"CMYK", b"Lab ", {b"A2B0": table})


def _level(lightness: float) -> int:
    return round(255 * lightness)


ADOBE_RGB = _display(_ADOBE_RGB, _gamma_curve(_ADOBE_GAMMA))
DISPLAY_P3 = _display(_DISPLAY_P3, _srgb_curve())
GREY = _profile(b"mntr", b"GRAY", b"XYZ ", {b"kTRC": _gamma_curve(_GREY_GAMMA)})
PRESS = _press()
DAMAGED = ADOBE_RGB[:200]
