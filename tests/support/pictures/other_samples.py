"""Samples of the formats that Pillow alone writes here: JPEG, WebP, AVIF, GIF, BMP, TIFF YCbCr."""

import io
from typing import Any

import numpy as np
from PIL import Image

from tests.support.pictures.bmp import bmp_file
from tests.support.pictures.samples import LOSSY, Draw, Sample


def _saved(image: Image.Image, file_format: str, **options: Any) -> bytes:
    target = io.BytesIO()
    image.save(target, file_format, **options)
    return target.getvalue()


def _image(pixels: "np.ndarray", mode: str) -> Image.Image:
    height, width, _ = pixels.shape
    return Image.frombytes(mode, (width, height), np.ascontiguousarray(pixels).tobytes())


def _options(draw: Draw, profile: bytes | None) -> dict[str, Any]:
    options: dict[str, Any] = {"exif": b"Exif\0\0" + draw.exif()}
    return options if profile is None else options | {"icc_profile": profile}


def jpeg(draw: Draw) -> Sample:
    """JPEG of grey, RGB, or four inks as Adobe stores them: upside down."""
    modes = {"L": 1, "RGB": 3, "CMYK": 4}
    mode = list(modes)[draw.choose(list(modes), "mode ")]
    samples, (stored, profile) = draw.levels(modes[mode]), draw.profile(modes[mode])
    options = _options(draw, stored) | {"quality": 95, "progressive": draw.happens("progressive")}
    data = _saved(_image(samples, mode), "JPEG", subsampling=0, **options)
    return draw.sample("JPEG", data, samples, profile, tolerance=LOSSY)


def webp(draw: Draw) -> Sample:
    """WebP without loss, opaque or not."""
    samples, (stored, profile) = draw.levels(3), draw.profile(3)
    alpha = draw.alpha() if draw.happens("alpha") else None
    pixels = samples if alpha is None else np.concatenate([samples, alpha], axis=2)
    options = _options(draw, stored) | {"lossless": True, "exact": True}
    data = _saved(_image(pixels, "RGB" if alpha is None else "RGBA"), "WEBP", **options)
    return draw.sample("WebP", data, samples, profile, alpha=alpha)


def avif(draw: Draw) -> Sample:
    """AVIF, opaque or not."""
    samples, (stored, profile) = draw.levels(3), draw.profile(3)
    alpha = draw.alpha() if draw.happens("alpha") else None
    pixels = samples if alpha is None else np.concatenate([samples, alpha], axis=2)
    options = _options(draw, stored) | {"quality": 95, "subsampling": "4:4:4"}
    data = _saved(_image(pixels, "RGB" if alpha is None else "RGBA"), "AVIF", **options)
    return draw.sample("AVIF", data, samples, profile, alpha=alpha, tolerance=LOSSY)


def gif(draw: Draw) -> Sample:
    """GIF of six colours, one of them maybe transparent, and maybe with a second frame."""
    draw.orientation = 1
    colours = draw.chance.integers(105, 165, (6, 3), dtype=np.uint8)
    indices = draw.enlarge(np.arange(6, dtype=np.uint8).reshape(2, 3, 1))
    image = _image(indices, "P")
    image.putpalette(colours.tobytes())
    options: dict[str, Any] = {"transparency": 2} if draw.happens("transparent colour") else {}
    alpha = np.where(indices == 2, 0, 255) if options else None
    if draw.happens("second frame"):
        options |= {"save_all": True, "append_images": [Image.new("RGB", image.size, "red")]}
    data = _saved(image, "GIF", **options)
    return draw.sample("GIF", data, colours[indices[:, :, 0]], alpha=alpha)


def bmp(draw: Draw) -> Sample:
    """BMP of RGB, or with alpha by a mask of its own, and maybe with a profile."""
    draw.orientation = 1
    samples, (stored, profile) = draw.levels(3), draw.profile(3)
    if not draw.happens("masks"):
        return draw.sample("BMP", _saved(_image(samples, "RGB"), "BMP"), samples)
    alpha = draw.alpha()
    pixels = np.concatenate([samples[:, :, ::-1], alpha], axis=2)
    whole = np.ascontiguousarray(pixels).view("<u4")[:, :, 0]
    data = bmp_file(whole, profile=stored or b"")
    return draw.sample("BMP", data, samples, profile, alpha=alpha)


def apng(draw: Draw) -> Sample:
    """An animated PNG: its first frame counts."""
    samples, (stored, profile), alpha = draw.levels(3), draw.profile(3), draw.alpha()
    image = _image(np.concatenate([samples, alpha], axis=2), "RGBA")
    more = {"save_all": True, "append_images": [Image.new("RGBA", image.size, "red")]}
    data = _saved(image, "PNG", **_options(draw, stored), **more)
    return draw.sample("APNG", data, samples, profile, alpha=alpha)


def ycbcr(draw: Draw) -> Sample:
    """A TIFF of luminance and chrominance, compressed or not."""
    draw.orientation = 1
    samples, (stored, profile) = draw.levels(3), draw.profile(3)
    methods = ("raw", "tiff_lzw", "jpeg")
    method = methods[draw.choose(methods, "compression ")]
    options = {} if stored is None else {"icc_profile": stored}
    if method == "jpeg":
        options["quality"] = 95
    image = _image(samples, "RGB").convert("YCbCr")
    data = _saved(image, "TIFF", compression=method, **options)
    return draw.sample("TIFF YCbCr", data, samples, profile, tolerance=LOSSY)
