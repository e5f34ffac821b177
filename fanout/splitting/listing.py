"""Which blobs of a container are listed, and the line of JSON that each becomes."""

from collections.abc import Iterable, Iterator
from typing import Any

from pydantic_core import from_json, to_json

from fanout.errors import FanoutError
from fanout.models.source import ListingSource
from fanout.records import BlobEntry

LISTED_FIELDS = ("name", "size", "etag", "last_modified", "content_type")
MAX_NAME_LINE_BYTES = 1_048_576


class ManifestError(FanoutError):
    """A manifest is not one of names, a line each."""


def is_listed(entry: BlobEntry, source: ListingSource) -> bool:
    """Tell whether a blob whose name begins with the prefix is one of the listing."""
    return (
        not _is_folder(entry)
        and (source.siblings or not _is_in_sibling_folder(entry.name, source.prefix))
        and (not source.suffixes or entry.name.endswith(tuple(source.suffixes)))
        and _is_sized(entry, source)
        and _is_dated(entry, source)
    )


def listing_line(entry: BlobEntry) -> bytes:
    """Write a blob as an item."""
    item = {name: getattr(entry, name) for name in LISTED_FIELDS}
    return to_json(item) + b"\n"


def manifest_lines(chunks: Iterable[bytes]) -> Iterator[bytes]:
    """Write each line of a manifest as an item: a name alone becomes an object that has it.

    A line that names nothing stays as it is, and so do blank ones: the lines keep their numbers.

    Raises:
        ManifestError: A line is longer than `MAX_NAME_LINE_BYTES`.
    """
    held = b""
    for chunk in chunks:
        *lines, held = (held + chunk).split(b"\n")
        if len(held) > MAX_NAME_LINE_BYTES:
            raise ManifestError(f"it has a line longer than {MAX_NAME_LINE_BYTES} bytes")
        yield from map(_manifest_line, lines)
    if held:
        yield _manifest_line(held)


def blob_name(item: Any) -> str | None:
    """The name that an item of a listing or manifest has, if it does."""
    name = item.get("name") if isinstance(item, dict) else None
    return name if isinstance(name, str) and name else None


def _manifest_line(line: bytes) -> bytes:
    try:
        value = from_json(line.removeprefix(b"\xef\xbb\xbf"))
    except ValueError:
        return line + b"\n"
    return (to_json({"name": value}) if isinstance(value, str) else line) + b"\n"


def _is_folder(entry: BlobEntry) -> bool:
    """A folder shows as a blob: by its metadata, or as an empty one whose name ends in a slash."""
    return entry.is_folder or (entry.size == 0 and entry.name.endswith("/"))


def _is_in_sibling_folder(name: str, prefix: str) -> bool:
    """Tell whether a prefix without a slash at its end only begins the name of a folder."""
    if not prefix or prefix.endswith("/"):
        return False
    rest = name[len(prefix) :]
    return "/" in rest and not rest.startswith("/")


def _is_sized(entry: BlobEntry, source: ListingSource) -> bool:
    least = source.min_bytes or 0
    return least <= entry.size and (source.max_bytes is None or entry.size <= source.max_bytes)


def _is_dated(entry: BlobEntry, source: ListingSource) -> bool:
    since, until = source.modified_since, source.modified_until
    modified = entry.last_modified
    return (since is None or since <= modified) and (until is None or modified < until)
