"""The content of a blob: what is stored, with its Content-Encoding undone (RFC 9110, 8.4)."""

from fanout.adapters.blob import BlobProperties, BlobStore
from fanout.splitting.decoding.codecs import Expansion, content_codec, decompress


def read_content(
    store: BlobStore, container: str, name: str, blob: BlobProperties, max_bytes: int
) -> bytes:
    """Read the content of one version of a blob whole.

    Args:
        store: Where the blob is.
        container: Its container.
        name: Its name.
        blob: What is known of the version.
        max_bytes: How many bytes may come out of a compressed one.

    Raises:
        CompressionError: It is compressed in another way than it says, or holds too much.
        ResourceModifiedError: There is another version.
    """
    codec = content_codec(blob.content_encoding)
    data = store.read(container, name, etag=blob.etag)
    if codec is None:
        return data
    return b"".join(decompress([data], codec, Expansion(max_bytes)))
