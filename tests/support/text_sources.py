"""A text read as a source: planned and read in batches, cut wherever chance has it."""

from random import Random
from typing import Any, NamedTuple

import pytest
from pydantic import TypeAdapter

from fanout.adapters.sources import reading, scans
from fanout.adapters.sources.planning import CutOptions, Scratch, SourceCuts
from fanout.errors import InvalidRequestError
from fanout.models.plan import PlanManifest
from fanout.models.request import BatchLimits, Source
from fanout.records import Record
from fanout.splitting import scan
from fanout.splitting.records import parse_records
from tests.support.doubles import memory_store
from tests.support.doubles.memory_store import MemoryStore

_MOST_PIECES = 200
_SMALL = (1, 2, 3, 5, 8, 13, 64, 1000)


class TextRead(NamedTuple):
    """What came of a text.

    Attributes:
        records: Its records; empty where it was refused.
        refusal: Why it was refused as a whole, if it was.
    """

    records: list[Record]
    refusal: str | None = None


def read_text(
    data: bytes, fields: dict[str, Any], chance: Random, monkeypatch: pytest.MonkeyPatch
) -> TextRead:
    """Read a text from a store, in pieces, chunks, ranges and batches of sizes that chance gives.

    Args:
        data: The blob.
        fields: Of its source, but where it is: `kind` and the rest.
        chance: What decides on sizes.
        monkeypatch: What sets the sizes of pieces and chunks.
    """
    least = len(data) // _MOST_PIECES
    monkeypatch.setattr(scan, "PIECE_BYTES", max(least, chance.choice(_SMALL)))
    monkeypatch.setattr(memory_store, "CHUNK_BYTES", max(least, chance.choice(_SMALL)))
    store = MemoryStore()
    store.write("inbox", "data", data)
    wanted = TypeAdapter(Source).validate_python({"container": "inbox", "blob": "data", **fields})
    limits = BatchLimits(max_items=chance.choice(_SMALL), max_bytes=chance.choice(_SMALL) * 4)
    scratch = Scratch(store, "runs", "plan/")
    try:
        made = _plan(wanted, limits, scratch, chance)
        return TextRead(_read(wanted, made, store))
    except InvalidRequestError as error:
        return TextRead([], str(error))


def _plan(wanted: Any, limits: BatchLimits, scratch: Scratch, chance: Random) -> SourceCuts:
    """Plan in one pass, or in ranges, as large blobs are planned."""
    if chance.random() < 0.5:
        return reading.cut_source(wanted, scratch.store, limits, None, scratch)
    range_bytes = chance.choice(_SMALL[2:])
    ranges = scans.prepare_scans(wanted, CutOptions(limits), scratch, range_bytes)
    if not ranges:
        return reading.cut_source(wanted, scratch.store, limits, None, scratch)
    for number in range(ranges):
        scans.scan_part(wanted, number, scratch)
    return scans.cut_scanned(scratch)


def _read(wanted: Any, made: SourceCuts, store: MemoryStore) -> list[Record]:
    cuts = list(made)
    manifest = PlanManifest(
        items=sum(cut.items for cut in cuts),
        cuts=len(cuts),
        partitions=1,
        cuts_per_partition=max(1, len(cuts)),
        header=made.header,
        delimiter=made.delimiter,
        etag=made.etag,
        length=made.length,
        data=made.data,
    )
    chunks = (reading.read_chunk(wanted, cut, manifest, store) for cut in cuts)
    records = [record for chunk in chunks for record in parse_records(chunk)]
    assert [record.index for record in records] == list(range(manifest.items))
    return records
