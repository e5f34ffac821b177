"""The result files of a run as they were written, or none: each is compared with the manifest."""

import mimetypes
from collections.abc import Iterator
from dataclasses import dataclass

from fanout.adapters.blob import md5
from fanout.adapters.run_files.files import RunFiles
from fanout.adapters.run_files.intact import read_intact
from fanout.errors import DamagedFileError
from fanout.models.status import ResultFile, ResultManifest
from fanout.naming import blob_paths
from fanout.naming.media_types import BYTES


@dataclass(frozen=True)
class ResultContent:
    """What stands in a result file."""

    data: bytes
    media_type: str


def read_result(files: RunFiles, run_id: str, name: str) -> ResultContent:
    """Read a result file: one that the manifest lists, or one of an item.

    Raises:
        KeyError: The manifest lists no such file.
        ResourceNotFoundError: There is no manifest yet, or no such file of an item.
        DamagedFileError: The file is gone, or not as it was written.
        UnreadableDocumentError: The manifest cannot be read.
    """
    path = blob_paths.result_path(run_id, name)
    item_file = name.removeprefix(blob_paths.ITEM_FILES)
    if item_file != name and blob_paths.item_file_name(item_file):
        return ResultContent(read_intact(files, path).data, mimetypes.guess_type(name)[0] or BYTES)
    listed = {file.name: file for file in _manifest(files, run_id).files}[name]
    return ResultContent(_read_listed(files, path, listed), listed.media_type)


def damaged_results(files: RunFiles, run_id: str) -> Iterator[DamagedFileError]:
    """Read every file that the manifest lists, and name each that is not as it was written.

    Raises:
        ResourceNotFoundError: There is no manifest.
        UnreadableDocumentError: The manifest cannot be read.
    """
    for file in _manifest(files, run_id).files:
        try:
            _read_listed(files, blob_paths.result_path(run_id, file.name), file)
        except DamagedFileError as error:
            yield error


def _manifest(files: RunFiles, run_id: str) -> ResultManifest:
    return files.read_model(ResultManifest, blob_paths.results_manifest_path(run_id))


def _read_listed(files: RunFiles, path: str, listed: ResultFile) -> bytes:
    data = files.find(path)
    if data is None:
        raise DamagedFileError(path, "is gone")
    if md5(data).hex() != listed.md5:
        raise DamagedFileError(path, f"has {len(data)} bytes that are not those that were written")
    return data
