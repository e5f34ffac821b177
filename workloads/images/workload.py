"""The workload `images`: each photo of a listing, made ready for the web."""

import hashlib
import json
from collections.abc import Iterable, Iterator
from typing import Any, ClassVar

from pydantic import BaseModel

from fanout.errors import FieldProblem
from fanout.models.outcome import Outcome
from fanout.records import SourceInfo
from fanout.workload import Context, ItemFiles, MapWorkload, RenderedFile
from workloads.images.contact_sheet import contact_sheet, index_files
from workloads.images.parameters import ImageParameters
from workloads.images.photo import THUMBNAIL, MadeFile, make

KINDS = ("listing", "manifest")


class Photo(BaseModel):
    """A blob, as a listing or a manifest has it."""

    name: str


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
        if source.kind not in KINDS:
            message = f"photos are the blobs of a {' or '.join(KINDS)}"
            problems.append(FieldProblem("source.kind", message))
        names = [rendition.file_name for rendition in parameters.renditions]
        for number, name in enumerate(names):
            if name in names[:number]:
                field = f"parameters.renditions.{number}"
                problems.append(FieldProblem(field, "there is such a rendition already"))
        return problems

    def process(self, item: Photo, context: Context[ImageParameters]) -> dict[str, Any]:
        """Make all files of a photo; returns its metadata and where the files are."""
        data = context.files.read(item.name, context.parameters.limits.max_bytes)
        made = make(data, context.parameters)
        folder = folder_of(item.name)
        kept = {one.name: _write(context.files, folder, one) for one in made.files}
        told = json.dumps({"name": item.name, **made.metadata}).encode()
        metadata = context.files.write(f"{folder}/metadata.json", told, "application/json")
        return {
            "name": item.name,
            **made.metadata,
            "thumbnail": kept[THUMBNAIL],
            "metadata": metadata,
            "renditions": [
                {
                    "file": kept[one.name],
                    "width": one.width,
                    "height": one.height,
                    "bytes": len(one.content),
                }
                for one in made.files
                if one.name != THUMBNAIL
            ],
        }

    def report(
        self, outcomes: Iterator[Outcome], parameters: ImageParameters, files: ItemFiles
    ) -> Iterable[RenderedFile]:
        """The contact sheet and the index of the first photos."""
        shown: list[dict[str, Any]] = []
        total = 0
        for outcome in outcomes:
            if outcome.status != "succeeded":
                continue
            total += 1
            if len(shown) < parameters.contact_sheet.photos:
                shown.append(outcome.output)
        if shown:
            yield contact_sheet(shown, parameters, files.read_result)
            yield from index_files(shown, total, parameters)


def _write(files: ItemFiles, folder: str, made: MadeFile) -> str:
    return files.write(f"{folder}/{made.name}", made.content, made.media_type)


def folder_of(name: str) -> str:
    """The folder of a photo's files: its name, made harmless where it would lead elsewhere."""
    parts = [part if part.strip(".") else "_" for part in name.split("/")]
    safe = "/".join("".join(c if c.isprintable() and c != "\\" else "_" for c in p) for p in parts)
    if safe == name:
        return name
    return f"{safe}-{hashlib.sha256(name.encode()).hexdigest()[:8]}"
