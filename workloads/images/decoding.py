"""From bytes to an upright picture in sRGB; whatever is no sound photo is refused, and why."""

import io
import struct
from typing import TYPE_CHECKING

from fanout.errors import PermanentError
from workloads.images.parameters import ImageLimits

if TYPE_CHECKING:
    from PIL import Image

FORMATS = ["JPEG", "PNG", "WEBP", "AVIF", "TIFF", "GIF", "BMP"]
_SIXTEEN_BITS = ("I", "I;16", "I;16B", "I;16L", "I;16N")
# What Pillow raises for files that are broken, besides what it calls so.
BROKEN = (
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


def opened(data: bytes, limits: ImageLimits) -> "Image.Image":
    """Read the head of a picture, and nothing of its pixels.

    Raises:
        NotAnImageError: It is none.
        CorruptImageError: Its head is broken.
        ImageTooLargeError: It has too many pixels.
    """
    from PIL import Image, UnidentifiedImageError

    # What is too large is refused here, with our limit and not with Pillow's.
    Image.MAX_IMAGE_PIXELS = None
    if not data:
        raise NotAnImageError("the blob is empty")
    try:
        image = Image.open(io.BytesIO(data), formats=FORMATS)
    except UnidentifiedImageError as error:
        raise NotAnImageError(f"it is none of {', '.join(FORMATS)}") from error
    except BROKEN as error:
        raise CorruptImageError(f"its head is broken: {error}") from error
    pixels = image.width * image.height
    if pixels > limits.max_pixels:
        raise ImageTooLargeError(
            f"it has {image.width} x {image.height} pixels; {limits.max_pixels:,} are allowed"
        )
    return image


def decoded(image: "Image.Image", *, least: tuple[int, int]) -> "Image.Image":
    """Decode an opened picture, turn it upright, and bring it into sRGB (or grey).

    Nothing of what the file tells beside its pixels is left in the result.

    Args:
        image: As `opened` gave it.
        least: Width and height that suffice: a JPEG may be decoded at a fraction of its size.

    Raises:
        TruncatedImageError: It ends before it should.
        CorruptImageError: Its pixels cannot be decoded.
    """
    from PIL import ImageOps

    try:
        image.draft(None, least)
        image.load()
        picture = _in_srgb(ImageOps.exif_transpose(image))
    except BROKEN as error:
        raise _refusal(error) from error
    picture.info = {}
    return picture


def frames_of(image: "Image.Image") -> int:
    """Count the frames or pages of an opened picture.

    Raises:
        TruncatedImageError: It ends before it should.
        CorruptImageError: They cannot be counted.
    """
    try:
        return int(getattr(image, "n_frames", 1))
    except BROKEN as error:
        raise _refusal(error) from error


def _refusal(error: Exception) -> PermanentError:
    if "truncated" in str(error).lower() or isinstance(error, EOFError):
        return TruncatedImageError(str(error))
    return CorruptImageError(f"its pixels are broken: {error}")


def _in_srgb(image: "Image.Image") -> "Image.Image":
    """Bring the colours into sRGB, transparency kept; a broken profile counts as none."""
    from PIL import Image, ImageCms

    if image.mode in _SIXTEEN_BITS:
        image = _to_eight_bits(image)
    profile = image.info.get("icc_profile")
    if image.mode == "P":
        image = image.convert("RGBA" if "transparency" in image.info else "RGB")
    if profile and image.mode in ("RGB", "CMYK", "L"):
        try:
            source = ImageCms.ImageCmsProfile(io.BytesIO(profile))
            target = ImageCms.createProfile("sRGB")
            converted: Image.Image | None = ImageCms.profileToProfile(
                image, source, target, outputMode="RGB"
            )
        except (ImageCms.PyCMSError, OSError):
            converted = None
        if converted is not None:
            return converted
    if image.mode in ("RGB", "RGBA", "L"):
        return image
    return image.convert("RGBA" if image.mode in ("LA", "PA", "La", "RGBa") else "RGB")


def _to_eight_bits(image: "Image.Image") -> "Image.Image":
    """Bring 16 bits of grey, which some formats give as 32, into 8."""
    _, brightest = image.getextrema()
    has_sixteen = image.mode != "I" or (isinstance(brightest, int) and brightest > 255)
    scale = 255 / 65535 if has_sixteen else 1
    return image.convert("I").point(lambda value: value * scale).convert("L")
