"""Cut and read a text that stands in the request, as a blob of its bytes would be.

The request of a run is a file that every worker reads once; so the bytes are at hand wherever a
blob would be fetched.
"""

import hashlib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import NoReturn

from fanout.adapters.sources.blobs import BlobReader, BrokenSourceError, OpenBlob
from fanout.adapters.sources.formats import Place, Wanted, columns_of, cut_blob, read_batch
from fanout.adapters.sources.planning import CutOptions, Scratch, SourceCuts
from fanout.errors import FieldProblem, InvalidRequestError
from fanout.models.plan import BlobRef, Cut, PlanManifest
from fanout.models.source import TextSource
from fanout.records import Chunk, SourceInfo

# No container of Azure has such a name.
_CONTAINER = "(request)"
_PIECE_BYTES = 1_048_576


@dataclass(frozen=True)
class _Properties:
    size: int
    etag: str
    content_encoding: str | None = None


@dataclass(frozen=True)
class _Bytes:
    """The bytes of one text, as a store with this blob alone."""

    content: bytes

    def properties(self, container: str, blob: str) -> _Properties:
        return _Properties(len(self.content), blob)

    peek = properties

    def read(
        self,
        container: str,
        blob: str,
        *,
        offset: int = 0,
        length: int | None = None,
        etag: str | None = None,
    ) -> bytes:
        return self.content[offset : None if length is None else offset + length]

    def stream(
        self,
        container: str,
        blob: str,
        *,
        offset: int = 0,
        length: int | None = None,
        etag: str | None = None,
    ) -> Iterator[bytes]:
        end = len(self.content) if length is None else offset + length
        for begin in range(offset, end, _PIECE_BYTES):
            yield self.content[begin : min(begin + _PIECE_BYTES, end)]

    def open(self, container: str, blob: str, length: int = 0) -> NoReturn:
        raise NotImplementedError("no document is kept in a text of a request")

    def entries(self, container: str, prefix: str) -> NoReturn:
        raise NotImplementedError("a text in a request is in no container that could be listed")


def inspect_text(source: TextSource) -> SourceInfo:
    """Learn of a text what can be learnt from its beginning (of Parquet, its footer).

    Raises:
        InvalidRequestError: It is not of the source's format.
    """
    blob = _open(source)
    with _translate_errors(source):
        columns = columns_of(blob, source.read)
    return SourceInfo(source.kind, columns, blob.ref.etag, blob.size)


def cut_text(source: TextSource, options: CutOptions, scratch: Scratch | None) -> SourceCuts:
    """Cut a text.

    Raises:
        InvalidRequestError: It is not of the source's format (also while the cuts are consumed).
    """
    with _translate_errors(source):
        made = cut_blob(_open(source), source.read, options, scratch)
    return replace(made, cuts=_cuts(source, made.cuts))


def read_text(
    source: TextSource, cut: Cut, manifest: PlanManifest, store: BlobReader, want: Wanted
) -> Chunk:
    """Read one batch of a text: of its uncompressed copy in the store, if it is compressed."""
    if manifest.data is not None:
        place = Place(manifest.data, None, manifest.header, manifest.delimiter)
        return read_batch(source.read, cut, place, store, want)
    place = Place(_ref(str(manifest.etag)), None, manifest.header, manifest.delimiter)
    return read_batch(source.read, cut, place, _Bytes(source.content), want)


def _ref(digest: str) -> BlobRef:
    """Name the bytes by what they are, so that what is kept of them belongs to no others."""
    return BlobRef(container=_CONTAINER, blob=digest, etag=digest)


def _open(source: TextSource) -> OpenBlob:
    content = source.content
    return OpenBlob(_Bytes(content), _ref(hashlib.sha256(content).hexdigest()), len(content))


def _cuts(source: TextSource, cuts: Iterator[Cut]) -> Iterator[Cut]:
    with _translate_errors(source):
        yield from cuts


@contextmanager
def _translate_errors(source: TextSource) -> Iterator[None]:
    """Tell with the field of the request why its text cannot be read."""
    try:
        yield
    except BrokenSourceError as error:
        field = "text" if source.text is not None else "base64"
        problem = FieldProblem(f"source.{field}", f"it {error.fault}")
        raise InvalidRequestError([problem]) from error
