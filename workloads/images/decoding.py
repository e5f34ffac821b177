"""Decode bytes to an upright picture in sRGB; refuse what is no sound photo, and say why."""

import io
import struct
from typing import TYPE_CHECKING

from fanout.errors import PermanentError
from workloads.images.parameters import ImageLimits

if TYPE_CHECKING:
    from PIL import Image

FORMATS = ["JPEG", "PNG", "WEBP", "AVIF", "TIFF", "GIF", "BMP"]
_SIXTEEN_BITS = ("I", "I;16", "I;16B", "I;16L", "I;16N")
# What Pillow raises for broken files.
PILLOW_ERRORS = (
    OSError,
    ValueError,
    SyntaxError,
    EOFError,
    struct.error,
    LookupError,
    TypeError,
    ArithmeticError,
    RuntimeError,
)


class NotAnImageError(PermanentError):
    """The blob is no picture of a known format."""


class TruncatedImageError(PermanentError):
    """The picture ends before it should."""


class CorruptImageError(PermanentError):
    """The picture is of a known format, and broken."""


class ImageTooLargeError(PermanentError):
    """The picture has more pixels than are allowed."""


def open_image(data: bytes, limits: ImageLimits) -> "Image.Image":
    """Read the header of a picture, and none of its pixels.

    Raises:
        NotAnImageError: The bytes are no picture.
        CorruptImageError: The header is broken.
        ImageTooLargeError: It has too many pixels.
    """
    from PIL import Image, UnidentifiedImageError

    # Our limit is checked below: Pillow's own would refuse with another error.
    Image.MAX_IMAGE_PIXELS = None
    if not data:
        raise NotAnImageError("the blob is empty")
    try:
        image = Image.open(io.BytesIO(data), formats=FORMATS)
    except UnidentifiedImageError as error:
        raise NotAnImageError(f"it is none of {', '.join(FORMATS)}") from error
    except PILLOW_ERRORS as error:
        raise CorruptImageError(f"its head is broken: {error}") from error
    pixels = image.width * image.height
    if pixels > limits.max_pixels:
        raise ImageTooLargeError(
            f"it has {image.width} x {image.height} pixels; {limits.max_pixels:,} are allowed"
        )
    return image


def decode_image(image: "Image.Image", *, sufficient_size: tuple[int, int]) -> "Image.Image":
    """Decode an open picture, turn it upright, and convert it to sRGB (or grey).

    The result has pixels only: no metadata of the file.

    Args:
        image: What `open_image` returned.
        sufficient_size: Width and height that suffice: a JPEG may be decoded smaller than it is.

    Raises:
        TruncatedImageError: It ends before it should.
        CorruptImageError: Its pixels cannot be decoded.
    """
    from PIL import ImageOps

    try:
        image.draft(None, sufficient_size)
        image.load()
        picture = _convert_to_srgb(ImageOps.exif_transpose(image))
    except PILLOW_ERRORS as error:
        raise _decoding_error(error) from error
    picture.info = {}
    return picture


def count_frames(image: "Image.Image") -> int:
    """Count the frames or pages of an open picture.

    Raises:
        TruncatedImageError: It ends before it should.
        CorruptImageError: They cannot be counted.
    """
    try:
        return int(getattr(image, "n_frames", 1))
    except PILLOW_ERRORS as error:
        raise _decoding_error(error) from error


def _decoding_error(error: Exception) -> PermanentError:
    if "truncated" in str(error).lower() or isinstance(error, EOFError):
        return TruncatedImageError(str(error))
    return CorruptImageError(f"its pixels are broken: {error}")


def _convert_to_srgb(image: "Image.Image") -> "Image.Image":
    """Convert the colours to sRGB and keep transparency; a broken profile counts as none."""
    if image.mode in _SIXTEEN_BITS:
        image = _reduce_to_eight_bits(image)
    profile = image.info.get("icc_profile")
    if image.mode == "P":
        image = image.convert("RGBA" if "transparency" in image.info else "RGB")
    converted = _apply_profile(image, profile)
    if converted is not None:
        return converted
    if image.mode in ("RGB", "RGBA", "L"):
        return image
    return image.convert("RGBA" if image.mode in ("LA", "PA", "La", "RGBa") else "RGB")


def _apply_profile(image: "Image.Image", profile: bytes | None) -> "Image.Image | None":
    """Convert from a colour profile to sRGB; None if there is no profile, or a broken one."""
    from PIL import ImageCms

    if not profile or image.mode not in ("RGB", "CMYK", "L"):
        return None
    try:
        source = ImageCms.ImageCmsProfile(io.BytesIO(profile))
        target = ImageCms.createProfile("sRGB")
        return ImageCms.profileToProfile(image, source, target, outputMode="RGB")
    except (ImageCms.PyCMSError, OSError):
        return None


def _reduce_to_eight_bits(image: "Image.Image") -> "Image.Image":
    """Reduce 16 bits of grey, which some formats give as 32, to 8."""
    _, brightest = image.getextrema()
    has_sixteen = image.mode != "I" or (isinstance(brightest, int) and brightest > 255)
    scale = 255 / 65535 if has_sixteen else 1
    return image.convert("I").point(lambda value: value * scale).convert("L")
