"""All that is made of one photo, from its bytes alone."""

import os
from dataclasses import dataclass, field
from threading import BoundedSemaphore
from typing import Any

from workloads.images.decoding import decoded, frames_of, opened
from workloads.images.metadata import difference_hash, dominant_colours, exif_of
from workloads.images.parameters import UNBOUNDED, ImageParameters
from workloads.images.renditions import MEDIA_TYPES, encoded, resized, squared

THUMBNAIL = "thumbnail.jpg"
# Orientations of EXIF in which width and height change places.
ON_ITS_SIDE = (5, 6, 7, 8)
# A photo takes a core and, decoded, some hundred MiB: more at once only crowd the memory.
_at_work = BoundedSemaphore(os.cpu_count() or 1)


@dataclass(frozen=True)
class MadeFile:
    """A file made of a photo: its name among the photo's files, its content, and its pixels."""

    name: str
    content: bytes
    media_type: str
    width: int
    height: int


@dataclass(frozen=True)
class MadePhoto:
    """What was made of a photo."""

    metadata: dict[str, Any]
    files: list[MadeFile] = field(default_factory=list)


def make(data: bytes, parameters: ImageParameters) -> MadePhoto:
    """Make renditions, thumbnail and metadata.

    Raises:
        PermanentError: It is no sound photo; which of its kinds says why.
    """
    with _at_work:
        return _made(data, parameters)


def _made(data: bytes, parameters: ImageParameters) -> MadePhoto:
    image = opened(data, parameters.limits)
    format_, size, frames = image.format, image.size, frames_of(image)
    picture = decoded(image, least=_least(parameters))
    exif = exif_of(image, include_location=parameters.include_location)
    width, height = reversed(size) if exif.get("Orientation") in ON_ITS_SIDE else size
    files = []
    for rendition in parameters.renditions:
        copy = resized(picture, rendition)
        content = encoded(copy, rendition.format, rendition.quality)
        media_type = MEDIA_TYPES[rendition.format]
        files.append(MadeFile(rendition.file_name, content, media_type, copy.width, copy.height))
    square = squared(picture, parameters.thumbnail)
    content = encoded(square, "jpeg", parameters.thumbnail.quality)
    files.append(MadeFile(THUMBNAIL, content, "image/jpeg", square.width, square.height))
    metadata = {
        "format": format_,
        "width": width,
        "height": height,
        "frames": frames,
        "bytes": len(data),
        "exif": exif,
        "colours": dominant_colours(square, parameters.colours),
        "hash": difference_hash(square),
    }
    return MadePhoto(metadata, files)


def _least(parameters: ImageParameters) -> tuple[int, int]:
    """How many pixels suffice for all that is made, whichever side of a photo is up."""
    bounds = [
        min(rendition.max_width, rendition.max_height)
        if UNBOUNDED in (rendition.max_width, rendition.max_height)
        else max(rendition.max_width, rendition.max_height)
        for rendition in parameters.renditions
    ]
    side = max([2 * parameters.thumbnail.size, *bounds])
    return side, side
