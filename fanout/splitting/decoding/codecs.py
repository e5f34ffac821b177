"""Decompress a blob as a stream, in bounded memory, and never more of it than is allowed."""

import zlib
from collections.abc import Callable, Iterable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from typing import Protocol

from fanout.errors import FanoutError
from fanout.models.source import Codec

PIECE_BYTES = 1_048_576
# How far a frame of zstd may look back: 128 MiB, which the format's own tools accept by default.
_ZSTD_WINDOW_LOG = 27
_GZIP_FORMAT = 16 + zlib.MAX_WBITS


class CompressionError(FanoutError):
    """A compressed blob is malformed, ends too early, or grows beyond what is allowed."""


@dataclass(frozen=True)
class Expansion:
    """How much may come out of a compressed blob.

    Attributes:
        max_bytes: Uncompressed bytes.
        max_ratio: Uncompressed bytes for each compressed one, counted from `free_bytes` on.
        free_bytes: Uncompressed bytes below which no ratio is too high.
    """

    max_bytes: int = 64 * 1024**3
    max_ratio: int = 200
    free_bytes: int = 64 * 1_048_576


class _Stream(Protocol):
    """One gzip member or zstd frame."""

    @property
    def eof(self) -> bool: ...
    @property
    def unused_data(self) -> bytes: ...
    def feed(self, data: bytes) -> Iterator[bytes]:
        """Give what comes out, at most `PIECE_BYTES` at once."""
        ...


class _GzipStream:
    def __init__(self) -> None:
        self._stream = zlib.decompressobj(_GZIP_FORMAT)

    @property
    def eof(self) -> bool:
        return self._stream.eof

    @property
    def unused_data(self) -> bytes:
        return self._stream.unused_data

    def feed(self, data: bytes) -> Iterator[bytes]:
        while True:
            piece = self._stream.decompress(data, PIECE_BYTES)
            data = self._stream.unconsumed_tail
            yield piece
            if self.eof or (not data and len(piece) < PIECE_BYTES):
                return


class _ZstdStream:
    def __init__(self) -> None:
        from backports import zstd

        options = {int(zstd.DecompressionParameter.window_log_max): _ZSTD_WINDOW_LOG}
        self._stream = zstd.ZstdDecompressor(options=options)

    @property
    def eof(self) -> bool:
        return self._stream.eof

    @property
    def unused_data(self) -> bytes:
        return self._stream.unused_data

    def feed(self, data: bytes) -> Iterator[bytes]:
        while True:
            yield self._stream.decompress(data, PIECE_BYTES)
            data = b""
            if self.eof or self._stream.needs_input:
                return


_CONTENT_ENCODINGS: dict[str, Codec | None] = {
    "": None,
    "identity": None,
    "gzip": "gzip",
    "x-gzip": "gzip",
    "zstd": "zstd",
}
_STREAMS: dict[Codec, Callable[[], _Stream]] = {"gzip": _GzipStream, "zstd": _ZstdStream}


def content_codec(content_encoding: str | None) -> Codec | None:
    """Tell how a blob of this Content-Encoding (RFC 9110, section 8.4) is compressed.

    The name of a charset, which tools write there by mistake, is none.

    Raises:
        CompressionError: By a codec that is not read, or by several.
    """
    name = (content_encoding or "identity").strip().lower()
    if name in _CONTENT_ENCODINGS:
        return _CONTENT_ENCODINGS[name]
    with suppress(LookupError, ValueError):
        "".encode(name)  # a charset of texts
        return None
    raise CompressionError(f"its Content-Encoding is '{content_encoding}'; gzip and zstd are read")


def decompress(
    chunks: Iterable[bytes], codec: Codec, allowed: Expansion | None = None
) -> Iterator[bytes]:
    """Decompress a blob of one or more gzip members or zstd frames.

    Raises:
        CompressionError: It is malformed, ends too early, or grows beyond what is allowed.
    """
    meter = _Meter(codec, allowed or Expansion())
    stream: _Stream | None = None
    has_member = False
    for chunk in chunks:
        meter.compressed += len(chunk)
        data = chunk
        while data:
            if stream is None:
                if codec == "gzip" and has_member and not data.strip(b"\0"):
                    break  # padding after the last member, as tapes have it
                stream, has_member = _STREAMS[codec](), True
            yield from meter.check_pieces(stream.feed(data))
            data = b""
            if stream.eof:
                data, stream = stream.unused_data, None
    if stream is not None or not meter.compressed:
        raise CompressionError(
            f"the {codec} stream is cut short: it ends at byte {meter.compressed}"
        )


@dataclass
class _Meter:
    """Counts what goes in and comes out."""

    codec: Codec
    allowed: Expansion
    compressed: int = 0
    uncompressed: int = 0

    def check_pieces(self, pieces: Iterator[bytes]) -> Iterator[bytes]:
        """Pass pieces on while they are well-formed and not too many."""
        while True:
            try:
                piece = next(pieces, None)
            except _errors(self.codec) as error:
                place = f"before byte {self.compressed} (after {self.uncompressed} uncompressed)"
                hint = "" if self.uncompressed else "; plain text has the compression 'none'"
                raise CompressionError(f"it is no {self.codec} {place}: {error}{hint}") from error
            if piece is None:
                return
            self.uncompressed += len(piece)
            self._check()
            if piece:
                yield piece

    def _check(self) -> None:
        if self.uncompressed > self.allowed.max_bytes:
            raise CompressionError(f"it is larger than {self.allowed.max_bytes} bytes uncompressed")
        limit = max(self.allowed.free_bytes, self.compressed * self.allowed.max_ratio)
        if self.uncompressed > limit:
            ratio = self.allowed.max_ratio
            raise CompressionError(f"it is more than {ratio} times as large uncompressed")


def _errors(codec: Codec) -> type[Exception]:
    if codec == "gzip":
        return zlib.error
    from backports import zstd

    return zstd.ZstdError
