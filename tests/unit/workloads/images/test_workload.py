"""The workload `images` with files in memory: what it writes, and how."""

import io
import json
import logging
import threading
from dataclasses import dataclass, field

import pytest
from PIL import Image

from fanout.workload import Context
from samples.images import photos
from workloads.images.parameters import ImageParameters
from workloads.images.workload import Images, Photo

PATIENCE_SECONDS = 60


@dataclass
class FilesTogether:
    """Takes files once so many are being written at the same time."""

    content: bytes
    at_once: int = 1
    fails_at: str | None = None
    written: dict[str, tuple[bytes, str]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self._barrier = threading.Barrier(self.at_once)

    def read(self, name: str, max_bytes: int) -> bytes:
        return self.content

    def write(self, name: str, content: bytes, media_type: str) -> str:
        self._barrier.wait(PATIENCE_SECONDS)
        if self.fails_at is not None and name.endswith(self.fails_at):
            raise ConnectionError("storage is away")
        self.written[f"files/{name}"] = (content, media_type)
        return f"files/{name}"

    def read_result(self, name: str) -> bytes:
        return self.written[name][0]


def context(files: FilesTogether) -> Context[ImageParameters]:
    parameters, log = ImageParameters(), logging.getLogger("test")
    return Context("run", "run/rocket.jpg/process", 1, parameters, log, files)


def test_the_files_of_a_photo_are_written_at_once_and_told_by_name():
    files = FilesTogether(photos()["rocket.jpg"], at_once=4)
    told = Images().process(Photo(name="rocket.jpg"), context(files))
    assert {name.rpartition("/")[2] for name in files.written} == {
        "1600-q80.webp",
        "800-q82.jpg",
        "thumbnail.jpg",
        "metadata.json",
    }
    for rendition in told["renditions"]:
        content, media_type = files.written[rendition["file"]]
        with Image.open(io.BytesIO(content)) as image:
            assert image.size == (rendition["width"], rendition["height"])
            assert image.get_format_mimetype() == media_type
        assert rendition["bytes"] == len(content)
    description = json.loads(files.written[told["metadata"]][0])
    assert description == {key: told[key] for key in description}
    assert files.written[told["thumbnail"]][1] == "image/jpeg"


def test_a_photo_whose_file_cannot_be_written_has_no_output():
    files = FilesTogether(photos()["rocket.jpg"], fails_at="metadata.json")
    with pytest.raises(ConnectionError):
        Images().process(Photo(name="rocket.jpg"), context(files))
