"""Process one photo: from its bytes alone to renditions, a thumbnail and metadata."""

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from workloads.images.decoding import count_frames, decode_image
from workloads.images.exif import read_exif
from workloads.images.file_names import THUMBNAIL
from workloads.images.measures import difference_hash, dominant_colours
from workloads.images.memory import estimate_bytes, room_of_process
from workloads.images.opening import open_image
from workloads.images.parameters import UNBOUNDED, ImageFormat, ImageParameters, Rendition
from workloads.images.renditions import (
    MEDIA_TYPES,
    WITHOUT_ALPHA,
    crop_square,
    encode_image,
    resize_image,
)
from workloads.images.transparency import compose_on_white

if TYPE_CHECKING:
    from PIL import Image


@dataclass(frozen=True)
class ItemFile:
    """A file made from a photo: its name among the photo's files, and its content."""

    name: str
    content: bytes
    media_type: str


@dataclass(frozen=True)
class PhotoFile(ItemFile):
    """A picture made from a photo, with its size in pixels."""

    width: int
    height: int


@dataclass(frozen=True)
class PhotoResult:
    """Everything made from a photo."""

    metadata: dict[str, Any]
    files: list[PhotoFile] = field(default_factory=list)


def process_photo(data: bytes, parameters: ImageParameters) -> PhotoResult:
    """Make renditions, thumbnail and metadata.

    Raises:
        PermanentError: It is no sound photo; the subclass says why.
    """
    image = open_image(data, parameters.limits)
    with room_of_process().place(estimate_bytes(image, _sufficient_size(parameters))):
        return _process(image, len(data), parameters)


def _process(image: "Image.Image", size: int, parameters: ImageParameters) -> PhotoResult:
    image_format, frames = image.format, count_frames(image)
    photo = decode_image(image, sufficient_size=_sufficient_size(parameters))
    # What is measured is what is seen: colours below transparent pixels are nobody's.
    opaque = compose_on_white(photo.picture)
    files = [
        _rendition_file(opaque if rendition.format in WITHOUT_ALPHA else photo.picture, rendition)
        for rendition in parameters.renditions
    ]
    thumbnail = crop_square(opaque, parameters.thumbnail)
    files.append(_photo_file(THUMBNAIL, thumbnail, "jpeg", parameters.thumbnail.quality))
    metadata = {
        "format": image_format,
        "width": photo.width,
        "height": photo.height,
        "frames": frames,
        "bytes": size,
        "exif": read_exif(image, include_location=parameters.include_location),
        "colours": dominant_colours(thumbnail, parameters.colours),
        "hash": difference_hash(thumbnail),
    }
    return PhotoResult(metadata, files)


def _rendition_file(picture: "Image.Image", rendition: Rendition) -> PhotoFile:
    image = resize_image(picture, rendition)
    return _photo_file(rendition.file_name, image, rendition.format, rendition.quality)


def _photo_file(
    name: str, image: "Image.Image", image_format: ImageFormat, quality: int
) -> PhotoFile:
    content = encode_image(image, image_format, quality)
    return PhotoFile(name, content, MEDIA_TYPES[image_format], image.width, image.height)


def _sufficient_size(parameters: ImageParameters) -> tuple[int, int]:
    """Width and height in pixels that suffice for every file, whichever side of a photo is up."""
    sides = [_longest_side(rendition) for rendition in parameters.renditions]
    side = max([2 * parameters.thumbnail.size, *sides])
    return side, side


def _longest_side(rendition: Rendition) -> int:
    bounds = (rendition.max_width, rendition.max_height)
    return min(bounds) if UNBOUNDED in bounds else max(bounds)
