"""The text that a blob holds: how it is compressed, and in which encoding it is."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from fanout.adapters.sources.blobs import OpenBlob, translate_format_errors
from fanout.models.source import Codec, Compressible
from fanout.splitting.decoding.codecs import Expansion, content_codec, decompress
from fanout.splitting.decoding.encodings import UTF_8, read_text


@dataclass(frozen=True)
class BlobText:
    """The text of a blob.

    Attributes:
        codec: How the blob is compressed, if it is.
        is_plain: Whether the blob's own bytes are those of the text, so that a copy is not needed.
        chunks: The text in UTF-8.
    """

    codec: Codec | None
    is_plain: bool
    chunks: Iterator[bytes]


def find_codec(blob: OpenBlob, how: Compressible) -> Codec | None:
    """Tell how a blob is compressed: by the request, or its name, or else its Content-Encoding.

    Raises:
        BrokenSourceError: By a codec that is not read.
    """
    codec = how.codec(blob.ref.blob)
    if codec is not None or how.compression is not None:
        return codec
    with translate_format_errors(blob.ref):
        return content_codec(blob.content_encoding)


def open_text(
    blob: OpenBlob, how: Compressible, chunks: Iterable[bytes], allowed: Expansion | None = None
) -> BlobText:
    """Read the text of a blob.

    Args:
        blob: The blob.
        how: What the request says of its compression.
        chunks: Its bytes, as they are stored.
        allowed: How much may come out of a compressed one.

    Raises:
        BrokenSourceError: It cannot be decompressed, or is no text.
    """
    codec = find_codec(blob, how)
    with translate_format_errors(blob.ref):
        text = read_text(decompress(chunks, codec, allowed) if codec else chunks)
    is_plain = codec is None and text.encoding == UTF_8
    return BlobText(codec, is_plain, text.chunks)
