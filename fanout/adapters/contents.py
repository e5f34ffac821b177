"""The content of a blob: what is stored, with its Content-Encoding undone (RFC 9110, 8.4)."""

from fanout.adapters.blob_reading import OpenedBlob
from fanout.splitting.decoding.codecs import Expansion, content_codec, decompress


def read_content(blob: OpenedBlob, max_bytes: int) -> bytes:
    """Read the content of one version of a blob whole.

    Args:
        blob: The version.
        max_bytes: How many bytes may come out of a compressed one.

    Raises:
        CompressionError: It is compressed in another way than it says, or holds too much.
        ResourceModifiedError: There is another version.
    """
    codec = content_codec(blob.properties.content_encoding)
    if codec is None:
        return blob.read()
    return b"".join(decompress([blob.read()], codec, Expansion(max_bytes)))
