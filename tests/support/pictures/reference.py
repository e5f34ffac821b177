"""What a picture looks like, computed without the product: littleCMS and arithmetic."""

import io

import numpy as np
from PIL import Image, ImageCms

_WHITE = 255
# Lab has the white of D50; this leads from there to the linear light of sRGB (D65) by Bradford.
# Source: http://www.brucelindbloom.com/index.html?Eqn_RGB_XYZ_Matrix.html
_D50 = np.array([0.9642, 1.0, 0.8249])
_TO_SRGB = np.array(
    [
        [3.1338561, -1.6168667, -0.4906146],
        [-0.9787684, 1.9161415, 0.0334540],
        [0.0719453, -0.2289914, 1.4052427],
    ]
)


def scale(samples: "np.ndarray", black: float, white: float) -> "np.ndarray":
    """Bring samples of any depth to 8 bits."""
    levels = (samples.astype(np.float64) - black) / (white - black) * 255
    return np.rint(np.clip(levels, 0, 255)).astype(np.uint8)


def in_srgb(colours: "np.ndarray", profile: bytes | None) -> "np.ndarray":
    """Have littleCMS convert grey, RGB or CMYK of 8 bits from a profile; RGB comes back.

    Without a profile, CMYK is the light that four filters leave.
    """
    bands = colours.shape[2]
    if profile is not None:
        image = Image.fromarray(colours[:, :, 0]) if bands == 1 else _image(colours, bands)
        source = ImageCms.ImageCmsProfile(io.BytesIO(profile))
        srgb = ImageCms.createProfile("sRGB")
        return np.asarray(ImageCms.profileToProfile(image, source, srgb, outputMode="RGB"))
    if bands == 4:
        light = 1 - colours.astype(np.float64) / 255
        return np.rint(light[:, :, :3] * light[:, :, 3:] * 255).astype(np.uint8)
    return np.repeat(colours, 3, axis=2) if bands == 1 else colours


def _image(colours: "np.ndarray", bands: int) -> Image.Image:
    height, width, _ = colours.shape
    mode = "RGB" if bands == 3 else "CMYK"
    return Image.frombytes(mode, (width, height), np.ascontiguousarray(colours).tobytes())


def lab_in_srgb(lab: "np.ndarray") -> "np.ndarray":
    """Convert Lab of 8 bits, as TIFF stores it: L from 0 to 255, a and b signed."""
    lightness = lab[:, :, 0].astype(np.float64) * 100 / 255
    a, b = (lab[:, :, n].view(np.int8).astype(np.float64) for n in (1, 2))
    y = (lightness + 16) / 116
    f = np.stack([y + a / 500, y, y - b / 200], axis=2)
    xyz = np.where(f > 6 / 29, f**3, 3 * (6 / 29) ** 2 * (f - 4 / 29)) * _D50
    linear = np.clip(xyz @ _TO_SRGB.T, 0, 1)
    encoded = np.where(linear <= 0.0031308, 12.92 * linear, 1.055 * linear ** (1 / 2.4) - 0.055)
    return np.rint(encoded * 255).astype(np.uint8)


def upright(pixels: "np.ndarray", orientation: int) -> "np.ndarray":
    """Turn stored pixels so that row 0 is the visual top and column 0 the visual left (Exif)."""
    turns = {
        1: lambda p: p,
        2: lambda p: p[:, ::-1],
        3: lambda p: p[::-1, ::-1],
        4: lambda p: p[::-1],
        5: lambda p: p.swapaxes(0, 1),
        6: lambda p: np.rot90(p, -1),
        7: lambda p: p[::-1, ::-1].swapaxes(0, 1),
        8: lambda p: np.rot90(p, 1),
    }
    return np.ascontiguousarray(turns[orientation](pixels))


def on_white(colours: "np.ndarray", alpha: "np.ndarray | None") -> "np.ndarray":
    """Put white behind colours by the alpha of each pixel."""
    if alpha is None:
        return colours
    share = alpha.astype(np.float64)[:, :, None] / 255
    return np.rint(colours * share + _WHITE * (1 - share)).astype(np.uint8)
