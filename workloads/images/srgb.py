"""Bring the colours of a picture into sRGB, with its transparency apart.

Source: the colour spaces and classes of profiles, https://www.color.org/specification/ICC.1-2022-05.pdf
"""

import io
from typing import TYPE_CHECKING

from workloads.images.depth import is_deep, reduce_depth
from workloads.images.transparency import join_alpha, split_alpha

if TYPE_CHECKING:
    from PIL import Image, ImageCms

# The colour space that the profile of a picture must have.
_PROFILE_SPACES = {"L": "GRAY", "RGB": "RGB", "CMYK": "CMYK"}
# Of inputs, displays, printers, and colour spaces.
_PROFILE_CLASSES = ("scnr", "mntr", "prtr", "spac")


def convert_to_srgb(image: "Image.Image", key_alpha: "Image.Image | None") -> "Image.Image":
    """Convert to sRGB; grey without a profile stays grey, and what is opaque has no alpha.

    Args:
        image: A picture with its pixels.
        key_alpha: What `read_key_alpha` made.
    """
    profile = image.info.get("icc_profile")
    colour, alpha = split_alpha(reduce_depth(image) if is_deep(image) else image)
    colour = _convert_colours(colour, profile)
    return join_alpha(colour, key_alpha or alpha)


def _convert_colours(colour: "Image.Image", profile: object) -> "Image.Image":
    if colour.mode == "LAB":
        return _convert_lab(colour)
    if colour.mode not in _PROFILE_SPACES:
        colour = colour.convert("RGB")
    converted = _apply_profile(colour, profile) if isinstance(profile, bytes) else None
    if converted is not None:
        return converted
    return colour.convert("RGB") if colour.mode == "CMYK" else colour


def _convert_lab(colour: "Image.Image") -> "Image.Image":
    from PIL import ImageCms

    return _transform(colour, ImageCms.ImageCmsProfile(ImageCms.createProfile("LAB")))


def _apply_profile(colour: "Image.Image", profile: bytes) -> "Image.Image | None":
    """Convert from a profile; None if it is broken, or is none for such colours."""
    from PIL import ImageCms

    try:
        source = ImageCms.ImageCmsProfile(io.BytesIO(profile))
        if not _is_for(source, colour.mode):
            return None
        return _transform(colour, source)
    except (ImageCms.PyCMSError, OSError):
        return None


def _is_for(profile: "ImageCms.ImageCmsProfile", mode: str) -> bool:
    head = profile.profile
    has_space = head.xcolor_space.strip() == _PROFILE_SPACES[mode]
    return has_space and head.device_class in _PROFILE_CLASSES


def _transform(colour: "Image.Image", source: "ImageCms.ImageCmsProfile") -> "Image.Image":
    from PIL import ImageCms

    target = ImageCms.createProfile("sRGB")
    converted = ImageCms.profileToProfile(colour, source, target, outputMode="RGB")
    if converted is None:
        raise ImageCms.PyCMSError("the transform gave no picture")
    return converted
