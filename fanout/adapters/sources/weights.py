"""How much memory reading a cut takes: at most, before it is read, and about, once it is."""

from fanout.adapters.sources.formats import MAX_RECORD_BYTES
from fanout.adapters.sources.stored import StoredItems
from fanout.models.plan import Cut, PlanManifest
from fanout.models.selection import Selection
from fanout.models.source import (
    BlobFormat,
    CsvFormat,
    InlineSource,
    ParquetFormat,
    SetSource,
    Source,
)
from fanout.records import Chunk
from fanout.splitting.sizes.budget import Budget
from fanout.splitting.sizes.estimates import (
    MOST_JSON_RATIO,
    chunk_bytes,
    fixed_bytes,
    path_count,
)

# The bytes of a chunk are there twice while they are read, and while they are parsed.
_COPIES = 2


def weigh_cut(
    source: Source,
    cut: Cut,
    manifest: PlanManifest,
    selection: Selection,
    budget: Budget,
    piece_bytes: int | None = None,
) -> int:
    """How much memory it takes at most to read a cut and to decode its items, piece by piece.

    Args:
        source: The source, as it was planned.
        cut: The cut.
        manifest: The plan.
        selection: What is merged into each item.
        budget: How much memory a batch may take.
        piece_bytes: How much the items of a piece may take; None is all that a batch may.
    """
    raw = _raw_bytes(source, cut, budget)
    fixed = cut.items * fixed_bytes(manifest.header or (), selection)
    is_one_csv = isinstance(source, CsvFormat) and manifest.header is not None
    ratio = _COPIES if is_one_csv else MOST_JSON_RATIO
    decoded = fixed + ratio * (1 + path_count(selection)) * raw
    return _COPIES * raw + min(decoded, piece_bytes or budget.batch)


def weigh_chunk(chunk: Chunk, budget: Budget) -> int:
    """How much memory a chunk that was read takes, its items decoded."""
    decoded = chunk_bytes(chunk, budget.free)
    return _COPIES * len(chunk.data) + min(decoded, budget.batch)


def _raw_bytes(source: Source, cut: Cut, budget: Budget) -> int:
    """How many bytes a cut has, as a workload gets them."""
    if isinstance(source, StoredItems):
        return source.packed.length(cut.first_index, cut.items)
    if isinstance(source, InlineSource):
        return 0  # few bytes: others are stored
    if isinstance(_format_of(source), ParquetFormat):
        # They are rows, lines of JSON, and these joined, and a piece may be of one row.
        return max(_COPIES * budget.piece, budget.item)
    length = cut.end - cut.offset
    return length if length <= MAX_RECORD_BYTES else 0


def _format_of(source: Source) -> Source | BlobFormat | None:
    return source.read if isinstance(source, SetSource) else source
