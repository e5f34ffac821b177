"""Every kind of sample by its name."""

from collections.abc import Callable

from tests.support.pictures import other_samples, png_samples, tiff_samples
from tests.support.pictures.samples import Draw, Sample

KINDS: dict[str, Callable[[Draw], Sample]] = {
    "png grey": png_samples.grey,
    "png rgb": png_samples.rgb,
    "png palette": png_samples.palette,
    "png grey alpha": png_samples.grey_alpha,
    "png rgba": png_samples.rgba,
    "apng": other_samples.apng,
    "tiff grey": tiff_samples.grey,
    "tiff floats": tiff_samples.floats,
    "tiff integers": tiff_samples.integers,
    "tiff full range": tiff_samples.full_range,
    "tiff rgb": tiff_samples.rgb,
    "tiff grey alpha": tiff_samples.grey_alpha,
    "tiff cmyk": tiff_samples.cmyk,
    "tiff lab": tiff_samples.lab,
    "tiff ycbcr": other_samples.ycbcr,
    "jpeg": other_samples.jpeg,
    "webp": other_samples.webp,
    "avif": other_samples.avif,
    "gif": other_samples.gif,
    "bmp": other_samples.bmp,
}
