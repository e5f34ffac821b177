"""The workload `images`: each photo of a listing, made ready for the web."""

import json
from collections.abc import Iterable, Iterator, Sequence
from functools import partial
from typing import Any, ClassVar

from pydantic import BaseModel, Field

from fanout.adapters.side_by_side import side_by_side
from fanout.errors import FieldProblem
from fanout.models.outcome import Outcome
from fanout.models.source import BLOB_NAME_MAX_CHARACTERS
from fanout.records import SourceInfo
from fanout.workload import Context, ItemFiles, MapWorkload, RenderedFile
from workloads.images.contact_sheet import contact_sheet, index_files
from workloads.images.file_names import METADATA, THUMBNAIL, photo_folder
from workloads.images.parameters import ImageParameters
from workloads.images.photo import ItemFile, PhotoFile, process_photo

SOURCE_KINDS = ("listing", "manifest")


class Photo(BaseModel):
    """A blob, as a listing or a manifest has it."""

    name: str = Field(min_length=1, max_length=BLOB_NAME_MAX_CHARACTERS)


class Images(MapWorkload[Photo, ImageParameters]):
    """Renditions, thumbnail and metadata of each photo; a contact sheet and an index of all."""

    name: ClassVar[str] = "images"
    description: ClassVar[str] = "Renditions, thumbnails and metadata of the photos of a listing."
    item_model = Photo
    parameters_model = ImageParameters

    def item_id(self, item: Photo) -> str:
        """The blob's name."""
        return item.name

    def check(self, parameters: ImageParameters, source: SourceInfo) -> list[FieldProblem]:
        """Refuse a source that names no blobs, and renditions that would share a file."""
        problems = []
        if source.kind not in SOURCE_KINDS:
            message = f"photos are the blobs of a {' or '.join(SOURCE_KINDS)}"
            problems.append(FieldProblem("source.kind", message))
        return problems + _find_repeated_renditions(parameters)

    def process(self, item: Photo, context: Context[ImageParameters]) -> dict[str, Any]:
        """Make all files of a photo; returns its metadata and where the files are."""
        data = context.files.read(item.name, context.parameters.limits.max_bytes)
        photo = process_photo(data, context.parameters)
        description = {"name": item.name, **photo.metadata}
        metadata = ItemFile(METADATA, json.dumps(description).encode(), "application/json")
        paths = _write_files(context.files, photo_folder(item.name), [*photo.files, metadata])
        renditions = [file for file in photo.files if file.name != THUMBNAIL]
        return {
            **description,
            "thumbnail": paths[THUMBNAIL],
            "metadata": paths[METADATA],
            "renditions": [_rendition_output(file, paths[file.name]) for file in renditions],
        }

    def report(
        self, outcomes: Iterator[Outcome], parameters: ImageParameters, files: ItemFiles
    ) -> Iterable[RenderedFile]:
        """The contact sheet and the index of the first photos."""
        photos: list[dict[str, Any]] = []
        total = 0
        for outcome in outcomes:
            if outcome.status != "succeeded":
                continue
            total += 1
            if len(photos) < parameters.contact_sheet.photos:
                photos.append(outcome.output)
        if photos:
            yield contact_sheet(photos, parameters, files.read_result)
            yield from index_files(photos, total, parameters)


def _find_repeated_renditions(parameters: ImageParameters) -> list[FieldProblem]:
    names = [rendition.file_name for rendition in parameters.renditions]
    repeated = (number for number, name in enumerate(names) if name in names[:number])
    problem = "there is such a rendition already"
    return [FieldProblem(f"parameters.renditions.{number}", problem) for number in repeated]


def _write_files(files: ItemFiles, folder: str, made: Sequence[ItemFile]) -> dict[str, str]:
    """Write the files of a photo; return their names among the results, by their own."""

    def write(file: ItemFile) -> str:
        return files.write(f"{folder}/{file.name}", file.content, file.media_type)

    names = [file.name for file in made]
    return dict(zip(names, side_by_side(*(partial(write, file) for file in made)), strict=True))


def _rendition_output(file: PhotoFile, path: str) -> dict[str, Any]:
    size = len(file.content)
    return {"file": path, "width": file.width, "height": file.height, "bytes": size}
