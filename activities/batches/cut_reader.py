"""The bytes of a batch, read again from the source as it was planned."""

from collections.abc import Iterator
from threading import BoundedSemaphore

from fanout.adapters.run_files.files import RunFiles, kept_manifest
from fanout.adapters.sources.reading import read_pieces
from fanout.models.plan import Cut
from fanout.models.request import RunRequest
from fanout.records import Chunk

# A batch that is read in pieces takes all the memory that one may: so one at a time.
ONE_IN_PIECES = BoundedSemaphore(1)


def read_cut(files: RunFiles, run_id: str, request: RunRequest, cut: Cut) -> Iterator[Chunk]:
    """Read a cut of the source of a run, or several joined, in pieces that fit into memory.

    Raises:
        SourceChangedError: The source is no longer what was planned.
    """
    manifest = kept_manifest(files, run_id)
    return read_pieces(request.source, cut, manifest, files.store, request.select, files.budget)
