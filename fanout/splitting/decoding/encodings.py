"""The encoding of a text: UTF-8, or what is read as though it were.

A text in UTF-16 or UTF-32 is known by its byte order mark, or else by where its NUL bytes are, as
RFC 4627 (section 3) does for JSON: such a text has one in nearly each character, and in UTF-8 there
is hardly a reason for any.
"""

import codecs
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import chain

from fanout.errors import FanoutError

UTF_8 = "UTF-8"
_SAMPLE_BYTES = 4096
_BYTE_ORDER_MARKS = {
    b"\xef\xbb\xbf": UTF_8,
    b"\xff\xfe\x00\x00": "UTF-32LE",
    b"\x00\x00\xfe\xff": "UTF-32BE",
    b"\xff\xfe": "UTF-16LE",
    b"\xfe\xff": "UTF-16BE",
}
_FILES = {
    b"\x1f\x8b": "gzip data",
    b"\x28\xb5\x2f\xfd": "zstd data",
    b"\xfd7zXZ\x00": "xz data",
    b"7z\xbc\xaf\x27\x1c": "a 7-Zip archive",
    b"PK\x03\x04": "a ZIP archive (an Excel workbook?)",
    b"PK\x05\x06": "an empty ZIP archive",
    b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1": "an old Office document (an Excel workbook?)",
    b"Obj\x01": "an Avro file",
    b"%PDF-": "a PDF document",
    b"SQLite format 3\x00": "an SQLite database",
}
# A column may be called as these begin (`PAR1,PAR2`), so they are told with what follows.
_FILES_OF_LETTERS = {
    re.compile(rb"BZh[1-9](?:1AY&SY|\x17rE8P\x90)"): "bzip2 data",
    re.compile(rb"PAR1.{0,16}?[\x00-\x08\x0e-\x1f]", re.DOTALL): "a Parquet file",
}
# In a text of Latin letters, half of the bytes of UTF-16 are NUL: where a third of one half is, and
# far less of the other, it is no chance.
_LEAST_SHARE = 1 / 3
_FAR_LESS = 1 / 4
_MOST = 3 / 4


class TextError(FanoutError):
    """Bytes are no text, or nobody can tell in which encoding."""


@dataclass(frozen=True)
class Text:
    """A text, in UTF-8.

    Attributes:
        encoding: In which it came: `UTF_8`, or that of which `chunks` is a translation.
        chunks: Its bytes in UTF-8, some at a time.
    """

    encoding: str
    chunks: Iterator[bytes]


def read_text(chunks: Iterable[bytes]) -> Text:
    """Recognise the encoding of a text by its first bytes, and translate it.

    What is no character there becomes no UTF-8 either, such as half of a surrogate pair: the record
    that has it is refused, and the others are not.

    Raises:
        TextError: It is no text, but a file of another kind; or its encoding is in doubt.
    """
    rest = iter(chunks)
    held = b""
    for chunk in rest:
        held += chunk
        if len(held) >= _SAMPLE_BYTES:
            break
    insist_on_text(held)
    encoding = find_encoding(held[:_SAMPLE_BYTES])
    whole = chain([held], rest) if held else rest
    return Text(encoding, whole if encoding == UTF_8 else _translate(whole, encoding))


def insist_on_text(beginning: bytes) -> None:
    """Refuse what begins as a file of another kind does.

    Raises:
        TextError: It says of which.
    """
    kinds = [kind for signature, kind in _FILES.items() if beginning.startswith(signature)]
    kinds += [kind for pattern, kind in _FILES_OF_LETTERS.items() if pattern.match(beginning)]
    if kinds:
        raise TextError(f"it is no text: it begins as {kinds[0]} does")


def find_encoding(beginning: bytes) -> str:
    """Tell the encoding of a text by its first bytes.

    Raises:
        TextError: There is doubt.
    """
    for mark, encoding in _BYTE_ORDER_MARKS.items():
        if beginning.startswith(mark):
            return encoding
    if b"\0" not in beginning:
        return UTF_8
    encoding = _encoding_by_nuls(beginning)
    if encoding == UTF_8:
        _insist_on_utf_8(beginning)
    return encoding


def _encoding_by_nuls(beginning: bytes) -> str:
    quarters = [_nul_share(beginning[: len(beginning) // 4 * 4], lane, 4) for lane in range(4)]
    if quarters[3] == 1 and quarters[2] > _LEAST_SHARE and quarters[0] < _FAR_LESS:
        return "UTF-32LE"
    if quarters[0] == 1 and quarters[1] > _LEAST_SHARE and quarters[3] < _FAR_LESS:
        return "UTF-32BE"
    even, odd = (_nul_share(beginning, lane, 2) for lane in range(2))
    if odd > _LEAST_SHARE and even < odd * _FAR_LESS and _may_be_wide(beginning, 0):
        return "UTF-16LE"
    if even > _LEAST_SHARE and odd < even * _FAR_LESS and _may_be_wide(beginning, 1):
        return "UTF-16BE"
    return UTF_8


def _may_be_wide(data: bytes, low: int) -> bool:
    """Tell whether line ends stand where UTF-16 has them: in the lane of the low bytes."""
    low_bytes, high_bytes = data[low::2], data[1 - low :: 2]
    return any(end in low_bytes for end in b"\r\n") or not any(end in high_bytes for end in b"\r\n")


def _nul_share(data: bytes, lane: int, width: int) -> float:
    """Which share of the bytes of one lane is NUL, where each unit has a byte in each lane."""
    bytes_of_lane = data[lane::width]
    return bytes_of_lane.count(0) / len(bytes_of_lane) if bytes_of_lane else 0.0


def _insist_on_utf_8(beginning: bytes) -> None:
    """Refuse what may be UTF-16 of other scripts: its spaces, digits and line ends have NUL bytes.

    Raises:
        TextError: There is doubt.
    """
    units = [beginning[at : at + 2] for at in range(0, len(beginning) - 1, 2)]
    ends = beginning.count(b"\n") + beginning.count(b"\r")
    for lane, encoding in enumerate(("utf-16-be", "utf-16-le")):
        nuls, others = (beginning[half::2].count(0) for half in (lane, 1 - lane))
        is_aligned = sum(units.count(end.encode(encoding)) for end in "\r\n") >= _MOST * ends
        if nuls > 1 and others < nuls and is_aligned:
            raise TextError(
                "its NUL bytes are those of UTF-16 without a byte order mark; write it with one, "
                "or in UTF-8"
            )


def _translate(chunks: Iterable[bytes], encoding: str) -> Iterator[bytes]:
    decoder = codecs.getincrementaldecoder(encoding)(errors=_KEEP_FAULTS)
    for chunk in chain(chunks, [b""]):
        text = decoder.decode(chunk, final=not chunk)
        if text:
            yield text.encode("utf-8", "surrogatepass")


def _keep_fault(error: UnicodeError) -> tuple[str | bytes, int]:
    """Keep half a surrogate pair, and let one stand for whatever else is no character."""
    try:
        return codecs.lookup_error("surrogatepass")(error)
    except UnicodeError:
        if not isinstance(error, UnicodeDecodeError):
            raise
        return "\udfff", error.end


_KEEP_FAULTS = "fanout-keep-fault"
codecs.register_error(_KEEP_FAULTS, _keep_fault)
