"""The bytes of a batch, read again from the source as it was planned."""

from collections.abc import Iterator
from itertools import chain

from activities.batches.item_errors import source_fault
from fanout.adapters.run_files.files import RunFiles, kept_manifest
from fanout.adapters.sources.blobs import BrokenSourceError
from fanout.adapters.sources.reading import read_pieces
from fanout.errors import SourceChangedError
from fanout.models.plan import Cut
from fanout.models.request import RunRequest
from fanout.records import Chunk
from fanout.splitting.sizes.pieces import divide


def read_cut(
    files: RunFiles,
    run_id: str,
    request: RunRequest,
    cut: Cut,
    piece_bytes: int | None = None,
) -> Iterator[Chunk]:
    """Read a cut of the source of a run, or several joined, in pieces that fit into memory.

    Args:
        files: Where the run is kept.
        run_id: The run.
        request: What it is to do.
        cut: The cut.
        piece_bytes: How much the items of a piece may take; None is all that a batch may.

    Raises:
        SourceChangedError: The source is no longer what was planned.
    """
    manifest = kept_manifest(files, run_id)
    pieces = read_pieces(request.source, cut, manifest, files.store, request.select, files.budget)
    if piece_bytes is None:
        return pieces
    return chain.from_iterable(divide(piece, piece_bytes) for piece in pieces)


def refuse_unreadable(pieces: Iterator[Chunk], rest: Cut) -> Iterator[Chunk]:
    """Give further pieces of a batch; where one cannot be read, each item from there on fails.

    What was done with the pieces before stays done.

    Args:
        pieces: The pieces.
        rest: The items in them.
    """
    done = 0
    try:
        for piece in pieces:
            yield piece
            done += piece.count
    except (BrokenSourceError, SourceChangedError) as error:
        fault = source_fault(error)
        for index in range(rest.first_index + done, rest.first_index + rest.items):
            yield Chunk("inline", b"", None, index, 0, 1, fault)
