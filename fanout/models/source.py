"""Where the items of a run come from: the `source` of a `RunRequest`.

A format says how the records of one blob are read. A source is one of four: a blob with its
format; a set of blobs, with the format of each (`read`); items in the request itself; or a text in
the request itself, which is read as a blob would be.
"""

from base64 import b64decode
from collections.abc import Iterator
from functools import cached_property
from typing import Annotated, Any, Literal, Self

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Discriminator,
    Field,
    Tag,
    model_validator,
)

from fanout.models.numbers import Count, Moment, Name

CONTAINER_PATTERN = r"^[a-z0-9][a-z0-9-]{1,61}[a-z0-9]$"
BLOB_NAME_MAX_CHARACTERS = 1024
# RFC 6901: "" is the whole document, "/a/b" the member b of the member a.
POINTER_PATTERN = r"^(/([^/~]|~[01])*)*$"


def _insist_on_plain(name: str) -> str:
    # An HTTP client may resolve dot segments, and so read another container.
    if "\\" in name or any(segment in ("", ".", "..") for segment in name.split("/")):
        raise ValueError("a blob name has no empty, '.' or '..' segment and no backslash")
    return name


ContainerName = Annotated[str, Field(pattern=CONTAINER_PATTERN)]
BlobName = Annotated[
    str,
    Field(min_length=1, max_length=BLOB_NAME_MAX_CHARACTERS),
    AfterValidator(_insist_on_plain),
]
BlobNamePart = Annotated[str, Field(max_length=BLOB_NAME_MAX_CHARACTERS)]
Codec = Literal["gzip", "zstd"]
FormatKind = Literal["jsonl", "csv", "json", "parquet"]
SourceKind = FormatKind | Literal["inline", "text", "listing", "manifest"]
# What becomes of a row that has not as many fields as there are columns.
RowLengths = Literal["strict", "pad"]
_CODECS: dict[str, Codec] = {".gz": "gzip", ".zst": "zstd"}
DEFAULT_DELIMITER = ","
MAX_COLUMNS = 10_000
# Every row has every name in memory and in what is written of it.
MAX_COLUMN_NAME_CHARACTERS = 1000


class _Message(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Compressible(_Message):
    """A format whose blobs may be compressed as a whole.

    Attributes:
        compression: How it is compressed; None goes by the name: `.gz` is gzip, `.zst` is zstd.
            Where the name does not tell either, the blob's Content-Encoding does.
    """

    compression: Codec | Literal["none"] | None = None

    def codec(self, blob: str) -> Codec | None:
        """Tell how a blob of this name is compressed; None where it is not."""
        if self.compression == "none":
            return None
        if self.compression is not None:
            return self.compression
        return next((codec for end, codec in _CODECS.items() if blob.lower().endswith(end)), None)


class JsonlFormat(Compressible):
    """One JSON value a line."""

    kind: Literal["jsonl"]


def _insist_on_different(names: list[str]) -> list[str]:
    if len(set(names)) < len(names):
        raise ValueError("the names of the columns are not all different")
    return names


ColumnName = Annotated[str, Field(max_length=MAX_COLUMN_NAME_CHARACTERS)]
ColumnNames = Annotated[
    list[ColumnName],
    Field(min_length=1, max_length=MAX_COLUMNS),
    AfterValidator(_insist_on_different),
]


class HeaderRecord(_Message):
    """What becomes of the names in the first record of a CSV: one of the two.

    Attributes:
        names: The names of all columns; those in the record are not read.
        rename: New names of some columns, each by the old one or, where several have that or it is
            a number itself, by the position of the column: ``"3"`` is the third.
    """

    names: ColumnNames | None = None
    rename: dict[Name, ColumnName] | None = Field(
        default=None, min_length=1, max_length=MAX_COLUMNS
    )

    @model_validator(mode="after")
    def _is_one(self) -> "HeaderRecord":
        if (self.names is None) == (self.rename is None):
            raise ValueError("a header takes either names or rename")
        return self


# Which of the two forms a header has: in pydantic's paths of faults, and in no request.
_LIST_TAG, _RECORD_TAG = "(names)", "(record)"


def _header_tag(value: Any) -> str | None:
    if isinstance(value, list):
        return _LIST_TAG
    return _RECORD_TAG if isinstance(value, dict | HeaderRecord) else None


CsvHeader = Annotated[
    Annotated[ColumnNames, Tag(_LIST_TAG)] | Annotated[HeaderRecord, Tag(_RECORD_TAG)],
    Discriminator(
        _header_tag,
        custom_error_type="header_type",
        custom_error_message="a header is a list of names, or an object with names or rename",
    ),
]


class CsvFormat(Compressible):
    """Separated values (RFC 4180).

    Attributes:
        delimiter: The one ASCII character between fields; None takes what the first line says
            (``sep=;``, as Excel writes it), or else a comma.
        header: Names of the columns, if the blob has none; or how those in its first record are
            changed; None takes its first record as it is.
        rows: What becomes of a row that has not as many fields as there are columns: ``strict``
            refuses it, ``pad`` fills a short one with empty text and cuts a long one.
    """

    kind: Literal["csv"]
    delimiter: str | None = Field(default=None, pattern=r"^[\x00-\x09\x0b\x0c\x0e-\x21\x23-\x7f]$")
    header: CsvHeader | None = None
    rows: RowLengths = "strict"


class JsonFormat(Compressible):
    """The elements of a JSON array, read as a stream.

    Attributes:
        pointer: Where the array is in the document (RFC 6901); "" is the document itself.
    """

    kind: Literal["json"]
    pointer: str = Field(default="", pattern=POINTER_PATTERN, max_length=1000)


class ParquetFormat(_Message):
    """The rows of a Parquet file.

    Attributes:
        columns: The columns to read, in this order; None reads all.
    """

    kind: Literal["parquet"]
    columns: list[Name] | None = Field(default=None, min_length=1, max_length=MAX_COLUMNS)


def _spell_out(value: Any) -> Any:
    return {"kind": value} if isinstance(value, str) else value


BlobFormat = Annotated[
    JsonlFormat | CsvFormat | JsonFormat | ParquetFormat, Field(discriminator="kind")
]
# `"read": "csv"` is short for `"read": {"kind": "csv"}`.
ReadFormat = Annotated[BlobFormat, BeforeValidator(_spell_out)]


class InlineSource(_Message):
    """Items in the request itself."""

    kind: Literal["inline"]
    items: list[Any] = Field(min_length=0)


def _insist_on_base64(text: str) -> str:
    try:
        b64decode(text, validate=True)
    except ValueError as error:
        raise ValueError(f"it is no Base64 (RFC 4648): {error}") from error
    return text


class TextSource(_Message):
    """A text in the request itself, read by the rules that hold for a blob.

    Attributes:
        text: The text; its bytes are those of UTF-8.
        base64: The bytes instead (RFC 4648, section 4), for what is no text: compressed, Parquet.
        read: How the records in it are read. It has no name that tells its `compression`.
    """

    model_config = ConfigDict(
        json_schema_extra={
            "oneOf": [{"required": ["text"]}, {"required": ["base64"]}],
            "examples": [{"kind": "text", "text": "id,n\n1,2\n", "read": "csv"}],
        }
    )

    kind: Literal["text"]
    text: str | None = None
    base64: Annotated[str, AfterValidator(_insist_on_base64)] | None = None
    read: ReadFormat

    @model_validator(mode="after")
    def _has_one(self) -> Self:
        if (self.text is None) == (self.base64 is None):
            raise ValueError("it takes either 'text' or 'base64'")
        return self

    @cached_property
    def content(self) -> bytes:
        """The bytes that are read."""
        if self.text is not None:
            return self.text.encode()
        return b64decode(self.base64 or "")


class _InContainer(_Message):
    container: ContainerName


class _BlobSource(_InContainer):
    blob: BlobName


class JsonlSource(_BlobSource, JsonlFormat):
    """One JSON value a line of a blob."""


class CsvSource(_BlobSource, CsvFormat):
    """The records of a CSV blob."""


class JsonSource(_BlobSource, JsonFormat):
    """The elements of an array in a JSON blob."""


class ParquetSource(_BlobSource, ParquetFormat):
    """The rows of a Parquet blob."""


class ListingSource(_InContainer):
    """The blobs of a container, each an item; or, with `read`, the records in each of them.

    A blob as an item is ``{"name", "size", "etag", "last_modified", "content_type"}``. Markers of
    folders are no blobs here.

    Attributes:
        prefix: What the names begin with. ``a`` takes ``a.txt`` and all below the folder ``a/``,
            but nothing below ``ab/``, a folder whose name only begins with it.
        siblings: Whether it takes what is below such folders, too.
        suffixes: What the names may end with; an empty list takes all.
        min_bytes: The smallest size, inclusive.
        max_bytes: The largest size, inclusive.
        modified_since: The earliest last modification, inclusive.
        modified_until: The latest last modification, exclusive.
        read: How the records in each blob are read; None makes the blobs themselves the items.
    """

    kind: Literal["listing"]
    prefix: BlobNamePart = ""
    siblings: bool = False
    suffixes: list[BlobNamePart] = Field(default_factory=list, max_length=100)
    min_bytes: Count | None = None
    max_bytes: Count | None = None
    modified_since: Moment | None = None
    modified_until: Moment | None = None
    read: ReadFormat | None = None


class ManifestSource(_BlobSource, Compressible):
    """The blobs that are named in a blob of JSON lines, or the records in each of them.

    A line is a name (``"photos/1.jpg"``), or an object with a `name`, such as a listing has.

    Attributes:
        items_container: The container of the named blobs; None is that of the manifest.
        read: How the records in each blob are read; None makes the lines themselves the items.
    """

    kind: Literal["manifest"]
    items_container: ContainerName | None = None
    read: ReadFormat | None = None


BlobSource = JsonlSource | CsvSource | JsonSource | ParquetSource
SetSource = ListingSource | ManifestSource
Source = Annotated[
    InlineSource
    | TextSource
    | JsonlSource
    | CsvSource
    | JsonSource
    | ParquetSource
    | ListingSource
    | ManifestSource,
    Field(discriminator="kind"),
]


def containers_of(source: Source) -> Iterator[tuple[str, str]]:
    """List the containers that a source has read, each with the field that names it."""
    if isinstance(source, InlineSource | TextSource):
        return
    yield "source.container", source.container
    if isinstance(source, ManifestSource) and source.items_container is not None:
        yield "source.items_container", source.items_container
