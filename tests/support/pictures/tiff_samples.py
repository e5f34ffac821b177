"""TIFF samples of every photometric, format of samples, layout and byte order."""

import dataclasses
from collections.abc import Mapping

import numpy as np

from tests.support.pictures.reference import lab_in_srgb, scale, upright
from tests.support.pictures.samples import DEEP, ROUNDING, Draw, Sample
from tests.support.pictures.tiff import (
    ASSOCIATED_ALPHA,
    BLACK_IS_ZERO,
    CIELAB,
    CMYK,
    ICC_PROFILE,
    ORIENTATION,
    RGB,
    S_MAX_SAMPLE_VALUE,
    S_MIN_SAMPLE_VALUE,
    UNASSOCIATED_ALPHA,
    UNSPECIFIED,
    WHITE_IS_ZERO,
    Layout,
    tiff_file,
)

_TILE = (32, 16)
_ORDERS = ("<", ">")
_INTEGERS = ("u4", "i1", "i2", "i4")
Fields = Mapping[int, tuple[str, tuple[float, ...]]]


def _layout(draw: Draw, photometric: int, profile: bytes | None = None) -> Layout:
    fields: dict[int, tuple[str, tuple[float, ...]]] = {ORIENTATION: ("H", (draw.orientation,))}
    if profile is not None:
        fields[ICC_PROFILE] = ("B", tuple(profile))
    return Layout(
        photometric,
        order=_ORDERS[draw.choose(_ORDERS, "order ")],
        is_deflated=draw.happens("deflated"),
        tile=_TILE if draw.happens("tiles", 0.3) else None,
        fields=fields,
    )


def _with_range(layout: Layout, black: float, white: float) -> Layout:
    limits: Fields = {S_MIN_SAMPLE_VALUE: ("d", (black,)), S_MAX_SAMPLE_VALUE: ("d", (white,))}
    return dataclasses.replace(layout, fields={**layout.fields, **limits})


def grey(draw: Draw) -> Sample:
    """Unsigned grey of 8, 12 or 16 bits; white may be zero where Pillow knows that."""
    bits = (8, 12, 16)[draw.choose((8, 12, 16), "bits ")]
    samples, (stored, profile) = draw.levels(1, bits), draw.profile(1)
    layout = _layout(draw, BLACK_IS_ZERO, stored)
    if bits == 12:
        layout = dataclasses.replace(layout, order="<", tile=None, bits=12)
    levels = scale(samples, 0, 2**bits - 1)
    is_readable = bits == 8 or (bits == 16 and layout.order == "<")
    if is_readable and draw.happens("white is zero"):
        layout, levels = dataclasses.replace(layout, photometric=WHITE_IS_ZERO), 255 - levels
    tolerance = DEEP if profile and bits > 8 else ROUNDING
    return draw.sample(
        "TIFF grey", tiff_file(samples, layout), levels, profile, tolerance=tolerance
    )


def floats(draw: Draw) -> Sample:
    """Floats of 0 to 1, of a range that the file tells, or of one that nobody knows."""
    photometric = (BLACK_IS_ZERO, WHITE_IS_ZERO)[draw.choose((1, 0), "photometric ")]
    layout = _layout(draw, photometric)
    ranges = ("0 to 1", "told", "untold", "with NaN")
    kind = ranges[draw.choose(ranges, "range ")]
    black, white = (0.0, 1.0) if kind in ("0 to 1", "with NaN") else (-250.0, 3000.0)
    samples = draw.blocks(1, black + (white - black) / 5, white - (white - black) / 5)
    samples = samples.astype(np.float32)
    if kind == "with NaN":
        samples[3, 5] = np.nan
    if kind == "told":
        layout = _with_range(layout, black, white)
    levels = scale(np.nan_to_num(samples), black, white)
    levels = 255 - levels if photometric == WHITE_IS_ZERO else levels
    is_clear = kind in ("0 to 1", "told")
    return draw.sample("TIFF floats", tiff_file(samples, layout), levels if is_clear else None)


def integers(draw: Draw) -> Sample:
    """Integers whose white is told, or not: signed ones, and those of 32 bits."""
    kind = np.dtype(_INTEGERS[draw.choose(_INTEGERS, "type ")])
    layout = _layout(draw, BLACK_IS_ZERO)
    if kind.str[1:] == "u4":
        layout = dataclasses.replace(layout, order="<")
    black = -40.0 if kind.kind == "i" else 0.0
    white = 60.0 if kind.itemsize == 1 else 4000.0
    samples = np.rint(draw.blocks(1, black, white)).astype(kind)
    if not draw.happens("range told"):
        return draw.sample("TIFF integers", tiff_file(samples, layout), None)
    data = tiff_file(samples, _with_range(layout, black, white))
    return draw.sample("TIFF integers", data, scale(samples, black, white))


def full_range(draw: Draw) -> Sample:
    """Unsigned integers of 32 bits that go up to white, which so needs no telling."""
    samples = np.rint(draw.blocks(1, 0, 0.8 * 2**32)).astype(np.uint32)
    samples[:16, :16] = round(0.8 * 2**32)
    layout = dataclasses.replace(_layout(draw, BLACK_IS_ZERO), order="<")
    return draw.sample("TIFF 32 bits", tiff_file(samples, layout), scale(samples, 0, 2**32 - 1))


def rgb(draw: Draw) -> Sample:
    """RGB of 8 or 16 bits, alone, with alpha of two kinds, or with what is no alpha."""
    bits, (stored, profile) = (8, 16)[draw.choose((8, 16), "bits ")], draw.profile(3)
    layout, samples = _layout(draw, RGB, stored), draw.levels(3, bits)
    extras = (None, UNSPECIFIED, ASSOCIATED_ALPHA, UNASSOCIATED_ALPHA)
    extra, alpha = extras[draw.choose(extras, "extra ")], draw.alpha(bits)
    layout = dataclasses.replace(layout, is_planar=draw.happens("planes"))
    levels, shares = scale(samples, 0, 2**bits - 1), scale(alpha, 0, 2**bits - 1)
    if extra is not None:
        layout = dataclasses.replace(layout, extra_samples=(extra,))
        stored_rgb = _multiply(samples, alpha) if extra == ASSOCIATED_ALPHA else samples
        samples = np.concatenate([stored_rgb, alpha], axis=2)
    has_alpha = extra in (ASSOCIATED_ALPHA, UNASSOCIATED_ALPHA)
    tolerance = DEEP if profile and (bits > 8 or has_alpha) else ROUNDING
    data = tiff_file(samples, layout)
    alpha_or_none = shares if has_alpha else None
    return draw.sample("TIFF RGB", data, levels, profile, alpha=alpha_or_none, tolerance=tolerance)


def _multiply(samples: "np.ndarray", alpha: "np.ndarray") -> "np.ndarray":
    most = np.iinfo(samples.dtype).max
    return np.rint(samples.astype(np.float64) * alpha / most).astype(samples.dtype)


def grey_alpha(draw: Draw) -> Sample:
    """Grey with alpha of 8 bits; in planes it is refused, for nobody reads it rightly."""
    stored, profile = draw.profile(1)
    layout, samples, alpha = _layout(draw, BLACK_IS_ZERO, stored), draw.levels(1), draw.alpha()
    is_associated = draw.happens("associated")
    extra = ASSOCIATED_ALPHA if is_associated else UNASSOCIATED_ALPHA
    is_planar = draw.happens("planes", 0.3)
    layout = dataclasses.replace(layout, extra_samples=(extra,), is_planar=is_planar)
    grey_samples = _multiply(samples, alpha) if is_associated else samples
    data = tiff_file(np.concatenate([grey_samples, alpha], axis=2), layout)
    tolerance = DEEP if profile and is_associated else ROUNDING
    shown = None if is_planar else samples
    return draw.sample("TIFF grey alpha", data, shown, profile, alpha=alpha, tolerance=tolerance)


def cmyk(draw: Draw) -> Sample:
    """Four inks of 8 or 16 bits."""
    bits, (stored, profile) = (8, 16)[draw.choose((8, 16), "bits ")], draw.profile(4)
    layout, samples = _layout(draw, CMYK, stored), draw.levels(4, bits)
    layout = dataclasses.replace(layout, is_planar=draw.happens("planes"))
    data = tiff_file(samples, layout)
    levels = scale(samples, 0, 2**bits - 1)
    tolerance = DEEP if profile and bits > 8 else ROUNDING
    return draw.sample("TIFF CMYK", data, levels, profile, tolerance=tolerance)


def lab(draw: Draw) -> Sample:
    """Lab of 8 bits; in planes it is refused."""
    layout = _layout(draw, CIELAB)
    lightness = np.rint(draw.blocks(1, 100, 180)).astype(np.uint8)
    opponents = np.rint(draw.blocks(2, -12, 12)).astype(np.int8).view(np.uint8)
    is_planar = draw.happens("planes", 0.3)
    samples = np.concatenate([lightness, opponents], axis=2)
    data = tiff_file(samples, dataclasses.replace(layout, is_planar=is_planar))
    name = ", ".join(["TIFF Lab", *draw.traits])
    shown = None if is_planar else upright(lab_in_srgb(samples), draw.orientation)
    return Sample(name, data, shown, tolerance=DEEP)
