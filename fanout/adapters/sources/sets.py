"""Sources of many blobs: a listing or a manifest, and the records in each blob of it."""

from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from functools import lru_cache

from azure.core.exceptions import ResourceNotFoundError

from fanout.adapters.digests import read_stored, write_stored
from fanout.adapters.sources.blobs import (
    BlobReader,
    BrokenSourceError,
    OpenBlob,
    open_blob,
    translate_format_errors,
    translate_version_errors,
)
from fanout.adapters.sources.formats import cut_blob, open_for
from fanout.adapters.sources.planning import CutOptions, Scratch, SourceCuts
from fanout.adapters.sources.texts import open_text
from fanout.errors import FieldProblem, InvalidRequestError, SourceChangedError
from fanout.models.plan import BlobRef, Cut, PartsPage, PlanPart
from fanout.models.request import BatchLimits
from fanout.models.source import BlobFormat, JsonlFormat, ListingSource, ManifestSource, SetSource
from fanout.records import Chunk
from fanout.splitting.listing import blob_name, is_listed, listing_line, manifest_lines
from fanout.splitting.records import parse_records
from fanout.splitting.sizing import MAX_CUT

LINES = JsonlFormat(kind="jsonl", compression="none")
PARTS_A_PAGE = 1000
_KEPT_PAGES = 16
_NAMES = BatchLimits(max_items=1000)


def cut_set(source: SetSource, options: CutOptions, scratch: Scratch) -> SourceCuts:
    """Write down the blobs of a set; then cut this list, or (with `read`) the records of each blob.

    The lines are written once: another try of the plan finds and cuts the same.

    Raises:
        InvalidRequestError: The container or the manifest does not exist, or it is no manifest.
        SourceChangedError: The manifest was written or deleted meanwhile.
    """
    lines = _write_lines(source, scratch)
    if source.read is None:
        cuts = cut_blob(lines, LINES, options, None)
        return replace(cuts, data=lines.ref)
    # What all blobs together hold is not known, and no batch spans two of them.
    options = replace(options, limits=options.limits or MAX_CUT)
    cutter = _SetCutter(_container(source), source.read, options, scratch)
    return SourceCuts(None, None, 0, cutter.cuts(lines), parts=cutter.pages)


def kept_part(store: BlobReader, pages: BlobRef, number: int) -> PlanPart:
    """One part of a plan, from its page."""
    page = _kept_page(store, pages, number // PARTS_A_PAGE)
    return page.parts[number % PARTS_A_PAGE]


@lru_cache(maxsize=_KEPT_PAGES)
def _kept_page(store: BlobReader, pages: BlobRef, number: int) -> PartsPage:
    return read_stored(store, pages.container, PartsPage, _page_name(pages, number))


def _page_name(pages: BlobRef, number: int) -> str:
    return f"{pages.blob}{number:05d}.json"


def _container(source: SetSource) -> str:
    if isinstance(source, ManifestSource) and source.items_container:
        return source.items_container
    return source.container


def _write_lines(source: SetSource, scratch: Scratch) -> OpenBlob:
    if isinstance(source, ListingSource):
        return scratch.write_lines_once("listing.jsonl", _listing_lines(source, scratch.store))
    blob = open_blob(scratch.store, source.container, source.blob)
    return scratch.write_lines_once(
        f"manifest-{scratch.copy_name(blob)}", _manifest_lines(source, blob, scratch)
    )


def _listing_lines(source: ListingSource, store: BlobReader) -> Iterator[bytes]:
    try:
        for entry in store.entries(source.container, source.prefix):
            if is_listed(entry, source):
                yield listing_line(entry)
    except ResourceNotFoundError as error:
        message = f"the container '{source.container}' does not exist"
        raise InvalidRequestError([FieldProblem("source.container", message)]) from error


def _manifest_lines(source: ManifestSource, blob: OpenBlob, scratch: Scratch) -> Iterator[bytes]:
    text = open_text(blob, source, blob.chunks(), scratch.allowed)
    with translate_format_errors(blob.ref), translate_version_errors(blob.ref):
        yield from manifest_lines(text.chunks)


@dataclass
class _SetCutter:
    """Cuts the blobs of a set one after the other and writes down which these are.

    A blob that cannot be read to its end costs no run: where it breaks stands one item that is
    refused for it.
    """

    container: str
    blob_format: BlobFormat
    options: CutOptions
    scratch: Scratch
    _page: list[PlanPart] = field(default_factory=list)
    _pages: int = 0
    _index: int = 0

    @property
    def pages(self) -> BlobRef:
        """What the names of the pages begin with."""
        return self.scratch.ref("parts-")

    def cuts(self, lines: OpenBlob) -> Iterator[Cut]:
        """Cut as many of the blobs as are wanted."""
        for name, fault in _names(lines):
            if self._items_left() == 0:
                break
            yield from self._cut_part(name, fault)
            if len(self._page) == PARTS_A_PAGE:
                self._write_page()
        if self._page:
            self._write_page()

    def _items_left(self) -> int | None:
        max_items = self.options.max_items
        return None if max_items is None else max_items - self._index

    def _cut_part(self, name: str, fault: str | None) -> Iterator[Cut]:
        ref = BlobRef(container=self.container, blob=name)
        part = PlanPart(data=ref, origin=f"{self.container}/{name}", fault=fault)
        number = self._pages * PARTS_A_PAGE + len(self._page)
        base = self._index
        if fault is None:
            try:
                blob = open_for(self.blob_format, self.scratch.store, self.container, name)
                part = part.model_copy(update={"data": blob.ref})
                options = replace(self.options, max_items=self._items_left())
                cuts = cut_blob(blob, self.blob_format, options, self.scratch)
                found = {"header": cuts.header, "delimiter": cuts.delimiter}
                part = part.model_copy(update={**found, "data": cuts.data or blob.ref})
                for cut in cuts:
                    self._index = base + cut.first_index + cut.items
                    yield cut._replace(first_index=base + cut.first_index, part=number)
            except (BrokenSourceError, SourceChangedError) as error:
                part = part.model_copy(update={"fault": str(error)})
        if part.fault is not None and self._items_left() != 0:
            yield Cut(0, 0, self._index, 1, 0, number)
            self._index += 1
        self._page.append(part)

    def _write_page(self) -> None:
        page = PartsPage(parts=self._page)
        name = _page_name(self.pages, self._pages)
        write_stored(self.scratch.store, self.scratch.container, name, page)
        self._page, self._pages = [], self._pages + 1


def _names(lines: OpenBlob) -> Iterator[tuple[str, str | None]]:
    """Give the name on each line, or the line's number and why it has none."""
    for cut in cut_blob(lines, LINES, CutOptions(_NAMES), None):
        data = lines.read(cut.offset, cut.end - cut.offset)
        chunk = Chunk("jsonl", data, None, cut.first_index, cut.first_line, cut.items)
        for record in parse_records(chunk):
            name = blob_name(record.value)
            if name is not None:
                yield name, None
            else:
                fault = record.error.message if record.error else f"line {record.line}: no name"
                yield f"(line {record.line})", f"the manifest names no blob: {fault}"
