"""PNG samples of every colour type, depth, and way to be transparent."""

import struct

import numpy as np

from tests.support.pictures.png import (
    GREY,
    GREY_ALPHA,
    PALETTE,
    RGB,
    RGBA,
    chunk,
    colour_profile,
    png_file,
)
from tests.support.pictures.reference import scale
from tests.support.pictures.samples import DEEP, ROUNDING, Draw, Sample

_GREY_BITS, _PALETTE_BITS, _DEEP_BITS = (1, 2, 4, 8, 16), (1, 2, 4, 8), (8, 16)


def _chunks(draw: Draw, profile: bytes | None) -> list[bytes]:
    exif = chunk(b"eXIf", draw.exif())
    return [exif] if profile is None else [exif, colour_profile(profile)]


def _tolerance(bits: int, profile: bytes | None) -> int:
    return DEEP if bits > 8 and profile else ROUNDING


def _key(draw: Draw, samples: "np.ndarray") -> "tuple[list[bytes], np.ndarray | None]":
    """A transparent colour, that of the first pixel, and the alpha that it makes."""
    if not draw.happens("transparent colour"):
        return [], None
    key = samples[0, 0]
    is_clear = (samples == key).all(axis=2, keepdims=True)
    return [chunk(b"tRNS", struct.pack(f">{len(key)}H", *key))], np.where(is_clear, 0, 255)


def grey(draw: Draw) -> Sample:
    """Grey of 1 to 16 bits, maybe with a transparent level."""
    bits = _GREY_BITS[draw.choose(_GREY_BITS, "bits ")]
    samples, (stored, profile) = draw.levels(1, bits), draw.profile(1)
    key, alpha = _key(draw, samples)
    data = png_file(samples, GREY, bits, [*_chunks(draw, stored), *key])
    levels = scale(samples, 0, 2**bits - 1)
    tolerance = _tolerance(bits, profile)
    return draw.sample("PNG grey", data, levels, profile, alpha=alpha, tolerance=tolerance)


def rgb(draw: Draw) -> Sample:
    """RGB of 8 or 16 bits, maybe with a transparent colour."""
    bits = _DEEP_BITS[draw.choose(_DEEP_BITS, "bits ")]
    samples, (stored, profile) = draw.levels(3, bits), draw.profile(3)
    # The second block differs from the first in the last bit alone.
    samples[:16, 16:32] = samples[0, 0] ^ 1
    key, alpha = _key(draw, samples)
    data = png_file(samples, RGB, bits, [*_chunks(draw, stored), *key])
    levels = scale(samples, 0, 2**bits - 1)
    tolerance = _tolerance(bits, profile)
    return draw.sample("PNG RGB", data, levels, profile, alpha=alpha, tolerance=tolerance)


def palette(draw: Draw) -> Sample:
    """A palette of fewer colours than it could have, maybe with alpha for some of them."""
    bits = _PALETTE_BITS[draw.choose(_PALETTE_BITS, "bits ")]
    colours = draw.chance.integers(105, 165, (min(2**bits, 6), 3), dtype=np.uint8)
    indices = draw.enlarge(np.arange(6).reshape(2, 3, 1) % len(colours))
    stored, profile = draw.profile(3)
    alphas = [(b"\0", [0]), (b"\x80\xff", [128, 255]), (b"", [])]
    number = draw.choose(["one clear", "alpha", "opaque"], "palette ")
    content, values = alphas[number]
    table = np.array(values + [255] * (len(colours) - len(values)), np.uint8)
    chunks = [*_chunks(draw, stored), chunk(b"PLTE", colours.tobytes())]
    chunks += [chunk(b"tRNS", content)] if content else []
    data = png_file(indices, PALETTE, bits, chunks)
    alpha = table[indices] if content else None
    return draw.sample("PNG palette", data, colours[indices[:, :, 0]], profile, alpha=alpha)


def _with_alpha(draw: Draw, kind: str, colour_type: int, bands: int) -> Sample:
    bits = _DEEP_BITS[draw.choose(_DEEP_BITS, "bits ")]
    samples, (stored, profile) = draw.levels(bands, bits), draw.profile(bands)
    alpha = draw.alpha(bits)
    both = np.concatenate([samples, alpha], axis=2)
    data = png_file(both, colour_type, bits, _chunks(draw, stored))
    most = 2**bits - 1
    levels, shares = scale(samples, 0, most), scale(alpha, 0, most)
    tolerance = _tolerance(bits, profile)
    return draw.sample(kind, data, levels, profile, alpha=shares, tolerance=tolerance)


def grey_alpha(draw: Draw) -> Sample:
    """Grey with alpha, of 8 or 16 bits."""
    return _with_alpha(draw, "PNG grey alpha", GREY_ALPHA, 1)


def rgba(draw: Draw) -> Sample:
    """RGB with alpha, of 8 or 16 bits."""
    return _with_alpha(draw, "PNG RGBA", RGBA, 3)
