"""Take transparency apart from colour, and put white behind it."""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from PIL import Image

_STRAIGHT_MODES = {"La": "LA", "RGBa": "RGBA"}
_WITH_ALPHA = {"1": "LA", "L": "LA", "RGB": "RGBA", "P": "RGBA", "PA": "RGBA"}
_OPAQUE = (255, 255)


def split_alpha(image: "Image.Image") -> "tuple[Image.Image, Image.Image | None]":
    """Give the colours of a picture as if it were opaque, and its alpha if it has any.

    Colours of a palette become RGB, and two levels become grey.
    """
    image = _straighten(image)
    if image.mode == "LA":
        return image.getchannel("L"), image.getchannel("A")
    if image.mode == "RGBA":
        return image.convert("RGB"), image.getchannel("A")
    return image, None


def _straighten(image: "Image.Image") -> "Image.Image":
    """Bring what a mode or a file says of transparency into a band of its own."""
    if image.mode in _STRAIGHT_MODES:
        return image.convert(_STRAIGHT_MODES[image.mode])
    if image.mode in _WITH_ALPHA and image.has_transparency_data:
        return image.convert(_WITH_ALPHA[image.mode])
    if image.mode in ("P", "1"):
        return image.convert("RGB" if image.mode == "P" else "L")
    return image


def join_alpha(colour: "Image.Image", alpha: "Image.Image | None") -> "Image.Image":
    """Put colours and alpha together; a picture that is opaque gets none."""
    if alpha is None or alpha.getextrema() == _OPAQUE:
        return colour
    if colour.mode != "RGB":
        colour = colour.convert("RGB")
    colour.putalpha(alpha)
    return colour


def compose_on_white(image: "Image.Image") -> "Image.Image":
    """Put white behind a picture; what is opaque stays as it is."""
    from PIL import Image

    if image.mode != "RGBA":
        return image
    white = Image.new("RGB", image.size, "white")
    white.paste(image, mask=image.getchannel("A"))
    return white
