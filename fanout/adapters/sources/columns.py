"""The columns of a source, as far as they are known before it is read whole.

Of one CSV or Parquet blob they stand in the blob. Of items in the request and of the blobs of a
listing they are known; of a set of few blobs they are those of all its blobs. Of JSON, and of many
blobs, nobody knows them before the last item.
"""

from collections.abc import Iterable, Iterator
from itertools import islice
from typing import Any

from azure.core.exceptions import ResourceNotFoundError
from pydantic_core import from_json

from fanout.adapters.sources.blobs import BlobReader, BrokenSourceError, OpenBlob, open_blob
from fanout.adapters.sources.formats import columns_of, open_for
from fanout.adapters.sources.parquet.footer import MissingColumnsError
from fanout.errors import FieldProblem, InvalidRequestError, SourceChangedError
from fanout.models.source import (
    BlobFormat,
    CsvFormat,
    InlineSource,
    JsonFormat,
    JsonlFormat,
    ListingSource,
    ManifestSource,
    ParquetFormat,
    SetSource,
)
from fanout.splitting.listing import LISTED_FIELDS, blob_name, is_listed, manifest_lines

# So many blobs of a set are opened before a run, if they are all; and so much of it is read for it.
MAX_BLOBS = 8
MAX_ENTRIES = 1000
MAX_MANIFEST_BYTES = 64 * 1024


def columns_of_items(source: InlineSource, max_items: int | None) -> list[str] | None:
    """The names that the items have; None if none is an object."""
    items = [item for item in source.items[:max_items] if isinstance(item, dict)]
    return _join(items) if items else None


def columns_of_set(source: SetSource, store: BlobReader) -> list[str] | None:
    """The columns of all blobs of a set together; None if they are not known.

    Raises:
        InvalidRequestError: None of its blobs has the columns of Parquet that are to be read.
    """
    if source.read is None:
        return [*LISTED_FIELDS] if isinstance(source, ListingSource) else None
    if isinstance(source.read, JsonFormat | JsonlFormat):
        return None
    if isinstance(source.read, CsvFormat) and isinstance(source.read.header, list):
        return source.read.header
    try:
        names = _few_names(source, store)
    except SourceChangedError:
        return None
    return _columns_of_blobs(source, names, store) if names else None


def _few_names(source: SetSource, store: BlobReader) -> list[str] | None:
    """The names of all blobs of a set; None if they are many, or not known."""
    if isinstance(source, ListingSource):
        return _few_listed(source, store)
    names: list[str] = []
    for line in _few_lines(source, store):
        name = blob_name(line)
        if name is None or len(names) == MAX_BLOBS:
            return None
        names.append(name)
    return names


def _few_listed(source: ListingSource, store: BlobReader) -> list[str] | None:
    try:
        entries = [*islice(store.entries(source.container, source.prefix), MAX_ENTRIES)]
    except ResourceNotFoundError:  # it is named when the listing is made
        return None
    names = [entry.name for entry in entries if is_listed(entry, source)]
    return names if len(entries) < MAX_ENTRIES and len(names) <= MAX_BLOBS else None


def _few_lines(source: ManifestSource, store: BlobReader) -> Iterator[Any]:
    blob = open_blob(store, source.container, source.blob)
    if blob.size > MAX_MANIFEST_BYTES or source.codec(source.blob) is not None:
        yield None
        return
    for line in manifest_lines(blob.beginning()):
        if line.strip():
            try:
                yield from_json(line)
            except ValueError:
                yield None


def _columns_of_blobs(source: SetSource, names: list[str], store: BlobReader) -> list[str] | None:
    container = source.container
    if isinstance(source, ManifestSource) and source.items_container:
        container = source.items_container
    columns: list[Iterable[str]] = []
    missing: list[MissingColumnsError] = []
    for name in names:
        try:
            blob = open_for(source.read, store, container, name)
            columns.append(_columns_of_blob(blob, source.read))
        except MissingColumnsError as error:
            missing.append(error)
        except (BrokenSourceError, SourceChangedError):  # the run names it, and does without it
            return None
    if len(missing) == len(names):
        fault = missing[0].problems[0].message
        raise InvalidRequestError([FieldProblem("source.read.columns", fault)])
    return None if missing else _join(columns)


def _columns_of_blob(blob: OpenBlob, blob_format: BlobFormat | None) -> list[str]:
    if not isinstance(blob_format, CsvFormat | ParquetFormat):
        raise TypeError("only blobs of CSV and Parquet have columns of their own")
    return columns_of(blob, blob_format) or []


def _join(names: Iterable[Iterable[str]]) -> list[str]:
    """All names, in the order in which they first come."""
    return list(dict.fromkeys(name for some in names for name in some))
