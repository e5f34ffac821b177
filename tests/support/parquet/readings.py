"""Parquet blobs read as a run reads them: inspected, planned, and batch by batch."""

from collections.abc import Callable
from typing import Any

from pydantic import TypeAdapter

from fanout.adapters.sources import reading
from fanout.errors import InvalidRequestError
from fanout.models.plan import Cut, PlanManifest
from fanout.models.request import BatchLimits, Source
from fanout.records import Chunk, Record
from fanout.splitting.records import parse_records
from tests.support.doubles.memory_store import MemoryStore

_SOURCE: TypeAdapter[Any] = TypeAdapter(Source)


def parquet_source(**fields: Any) -> Any:
    return _SOURCE.validate_python(
        {"kind": "parquet", "container": "inbox", "blob": "data", **fields}
    )


def store_of(data: bytes) -> MemoryStore:
    store = MemoryStore()
    store.write("inbox", "data", data)
    return store


def plan(store: MemoryStore, most: int = 1000, **fields: Any) -> tuple[PlanManifest, list[Cut]]:
    made = reading.cut_source(parquet_source(**fields), store, BatchLimits(max_items=most))
    cuts = list(made)
    manifest = PlanManifest(
        items=sum(cut.items for cut in cuts),
        cuts=len(cuts),
        partitions=1,
        cuts_per_partition=max(1, len(cuts)),
        header=made.header,
        etag=made.etag,
        length=made.length,
    )
    return manifest, cuts


def chunks_of(store: MemoryStore, most: int = 1000, **fields: Any) -> list[Chunk]:
    manifest, cuts = plan(store, most, **fields)
    source = parquet_source(**fields)
    return [reading.read_chunk(source, cut, manifest, store) for cut in cuts]


def records_of(data: bytes, most: int = 1000, **fields: Any) -> list[Record]:
    """Read every row; no batch may be lost."""
    chunks = chunks_of(store_of(data), most, **fields)
    records = [record for chunk in chunks for record in parse_records(chunk)]
    assert [record.index for record in records] == list(range(len(records)))
    return records


def cells_of(data: bytes, column: str = "a") -> list[Any]:
    """Read one column, none of whose rows may fail; a failure stands as its message."""
    return [
        record.value[column] if record.error is None else record.error.message
        for record in records_of(data)
    ]


def refusal_of(data: bytes, **fields: Any) -> str:
    """Ask for a blob that is refused, and give the reason."""
    asks: list[Callable[[MemoryStore], Any]] = [
        lambda store: reading.inspect(parquet_source(**fields), store),
        lambda store: plan(store, **fields),
    ]
    reasons = set()
    for ask in asks:
        try:
            ask(store_of(data))
        except InvalidRequestError as error:
            reasons.add(str(error))
    (reason,) = reasons
    return reason
