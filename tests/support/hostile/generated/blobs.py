"""Blobs that are hostile, of each kind that a source may be, with what must come of them.

Texts have good rows between bad ones, and as a rule each good one has to succeed. What is
compressed or binary is damaged after it was written; then nothing is known but that its run ends.
"""

import io
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from random import Random
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
from PIL import Image

from tests.support.hostile.generated.documents import damage_bytes
from tests.support.hostile.generated.values import hostile_value

# Less than a worker may take of any blob, and more than fits into its memory several times.
_BOMB_BYTES = 100_000_000
_PICTURES = ("JPEG", "PNG", "GIF", "TIFF", "WEBP", "BMP", "AVIF")


@dataclass(frozen=True)
class Blob:
    """A blob, and how it is read.

    Attributes:
        kind: What it is, for people.
        read: The format, as a request has it; empty for a picture, which is an item itself.
        good: The names of the rows that have to succeed.
    """

    kind: str
    data: bytes
    read: dict[str, Any] = field(default_factory=dict)
    good: frozenset[str] = frozenset()

    @property
    def is_picture(self) -> bool:
        """Whether it is one."""
        return not self.read


def _good_names(chance: Random) -> list[str]:
    return [f"good{number}" for number in range(chance.randint(1, 6))]


def json_lines(chance: Random) -> Blob:
    """Good lines with hostile values between, which may be no JSON."""
    names = _good_names(chance)
    lines = []
    for name in names:
        lines.append(b'{"name": "%b"}' % name.encode())
        if chance.random() < 0.7:
            form = chance.choice([b"%b", b'{"name": %b}', b'{"name": "bad", "x": %b}', b'{"%b"}'])
            lines.append((form % hostile_value(chance)).replace(b"\n", b" ").replace(b"\r", b" "))
    end = chance.choice([b"\n", b"\r\n", b"\n\n", b"\n   \n"])
    return Blob("JSON lines", end.join(lines), {"kind": "jsonl"}, frozenset(names))


def json_array(chance: Random) -> Blob:
    """An array with hostile values in it, somewhere in a document."""
    values = [b'{"name": "x%d"}' % number for number in range(5)]
    values[chance.randrange(5)] = hostile_value(chance)
    array = b"[" + chance.choice([b",", b", \n", b",\n\t"]).join(values) + b"]"
    if chance.random() < 0.5:
        return Blob("a JSON array", array, {"kind": "json"})
    around = b'{"a": %b, "b": {"c": %b}, "d": %b}' % (
        hostile_value(chance),
        array,
        hostile_value(chance),
    )
    return Blob("a JSON array within", around, {"kind": "json", "pointer": "/b/c"})


def csv_rows(chance: Random) -> Blob:
    """Good rows with hostile cells between; without quotes no good one may be lost."""
    names, columns = _good_names(chance), chance.choice([2, 2, 2, 50, 3_000])
    header = ["name", "x", *(f"c{number}" for number in range(columns - 2))]
    padding = "," * (columns - 2)
    lines = [",".join(header).encode()]
    for name in names:
        lines.append(f"{name},{padding}".encode())
        if chance.random() < 0.7:
            cell = hostile_value(chance).replace(b"\n", b" ").replace(b"\r", b" ")
            cell = cell.replace(b'"', b"") if chance.random() < 0.7 else cell
            lines.append(chance.choice([b"%b", b"bad,%b", b"%b", b"%b,,,,", b"bad,%b\0"]) % cell)
    read: dict[str, Any] = {"kind": "csv", "rows": "pad"}
    if chance.random() < 0.2:
        read["delimiter"] = chance.choice([";", "\t", "|", "\0", "x"])
    data = chance.choice([b"\n", b"\r\n", b"\r"]).join(lines)
    is_plain = b'"' not in data and b"\0" not in data and "delimiter" not in read
    return Blob("CSV", data, read, frozenset(names if is_plain else ()))


def odd_csv(chance: Random) -> Blob:
    """A header that is hostile itself: long names, many of them, some twice, in other encodings."""
    name = hostile_value(chance).replace(b'"', b"")
    header = chance.choice([name, b"id," + name, b"id,id", b"," * 20_000, b"sep=;\nid;x", b'"id'])
    data = header + b"\n" + b"\n".join([b"a,b"] * 3)
    if chance.random() < 0.5:
        data = damage_bytes(data, chance)
    return Blob("a header of CSV", data, {"kind": "csv", "rows": chance.choice(["strict", "pad"])})


def _column(chance: Random, rows: int) -> pa.Array:
    makers: list[Callable[[], pa.Array]] = [
        lambda: pa.array([chance.randint(-(2**63), 2**63 - 1) for _ in range(rows)]),
        lambda: pa.array([f"id{number}" for number in range(rows)]),
        lambda: pa.array([chance.randbytes(8) for _ in range(rows)], pa.binary()),
        lambda: pa.array([[1, None] * 3] * rows, pa.list_(pa.int32())),
        lambda: pa.array([{"a": {"b": [None]}}] * rows),
        lambda: pa.array([[("k", 1)]] * rows, pa.map_(pa.string(), pa.int64())),
        lambda: pa.array([10**12] * rows, pa.timestamp(chance.choice(["s", "us", "ns"]), "UTC")),
        lambda: pa.array([float("nan")] * rows, pa.float64()),
        lambda: pa.repeat(pa.scalar("x" * 10_000), rows).dictionary_encode(),
        lambda: pa.nulls(rows),
    ]
    return chance.choice(makers)()


def parquet(chance: Random) -> Blob:
    """A file of odd columns, of which a page, its header or the footer is damaged."""
    rows = chance.choice([0, 1, 20, 300])
    columns = {f"c{number}": _column(chance, rows) for number in range(chance.randint(1, 5))}
    sink = io.BytesIO()
    codec = chance.choice(["none", "snappy", "gzip", "zstd", "lz4", "brotli"])
    pq.write_table(pa.table(columns), sink, compression=codec, row_group_size=max(1, rows // 2))
    data = bytearray(sink.getvalue())
    for _ in range(chance.choice([0, 1, 1, 3, 30])):
        # Half of the damage is to the footer: there the sizes are.
        begin = 0 if chance.random() < 0.5 else len(data) // 2
        data[chance.randrange(begin, len(data))] = chance.randrange(256)
    cut = len(data) if chance.random() < 0.9 else chance.randrange(len(data))
    return Blob(f"Parquet, {codec}", bytes(data[:cut]), {"kind": "parquet"})


def wide_parquet(chance: Random) -> Blob:
    """A file of very many columns, or of very deep ones, or with names as long as books."""
    kind = chance.randrange(3)
    if kind == 0:
        table = pa.table({f"c{number}": [1] for number in range(chance.choice([500, 3_000]))})
    elif kind == 1:
        deep: pa.DataType = pa.int8()
        for _ in range(chance.choice([50, 90, 250])):
            deep = pa.list_(deep)
        table = pa.table({"a": pa.nulls(3, deep)})
    else:
        table = pa.table({chance.choice(["n", "é", "\0"]) * chance.choice([1_001, 200_000]): [1]})
    sink = io.BytesIO()
    pq.write_table(table, sink)
    return Blob("Parquet, wide", sink.getvalue(), {"kind": "parquet"})


def _pack(codec: str, data: bytes) -> bytes:
    return bytes(pa.Codec(codec).compress(data, asbytes=True))


def compressed(chance: Random) -> Blob:
    """A text in a stream that is cut off, changed, doubled or packed again."""
    text = chance.choice([json_lines, json_array, csv_rows])(chance)
    codec = chance.choice(["gzip", "zstd"])
    data = _pack(codec, text.data)
    harm = chance.randrange(5)
    good: frozenset[str] = frozenset()
    if harm == 0:
        data, good = data + _pack(codec, b""), text.good
    elif harm == 1:
        data = data + chance.randbytes(20)
    elif harm == 2:
        data = _pack(codec, data)
    else:
        data = damage_bytes(data, chance)
    return Blob(f"{text.kind} in {codec}", data, text.read | {"compression": codec}, good)


def bomb(chance: Random) -> Blob:
    """A few bytes that unpack to very many."""
    unit = chance.choice([b"\0", b"[", b'{"name": 1}\n', b",", b'"', b"a\n", b" "])
    text = unit * (chance.choice([1_000_000, _BOMB_BYTES // 10, _BOMB_BYTES]) // len(unit))
    codec = chance.choice(["gzip", "zstd"])
    data = _pack(codec, text)
    kind = chance.choice(["jsonl", "json", "csv"])
    return Blob(f"a bomb of {kind}", data, {"kind": kind, "compression": codec})


def another_kind(chance: Random) -> Blob:
    """What is read as something that it is not."""
    other = chance.choice([json_lines, parquet, compressed, picture])(chance)
    kind = chance.choice(["jsonl", "json", "csv", "parquet"])
    return Blob(f"{other.kind} as {kind}", other.data, {"kind": kind})


def picture(chance: Random) -> Blob:
    """A small picture whose bytes were changed, as a rule in its header: there the sizes are."""
    name = chance.choice(_PICTURES)
    mode = "P" if name == "GIF" else chance.choice(["RGB", "L"])
    sink = io.BytesIO()
    size = (chance.choice([1, 16, 300]), chance.choice([1, 16, 40]))
    options: dict[str, Any] = {}
    if name in ("JPEG", "PNG", "TIFF", "WEBP") and chance.random() < 0.3:
        options["icc_profile"] = b"\0" * 128 + chance.randbytes(200)
    if name in ("JPEG", "WEBP") and chance.random() < 0.3:
        options["exif"] = b"Exif\0\0" + chance.randbytes(100)
    Image.new(mode, size, chance.randrange(256)).save(sink, name, **options)
    data = bytearray(sink.getvalue())
    for _ in range(chance.choice([0, 1, 2, 20])):
        end = min(len(data), chance.choice([40, 40, len(data)]))
        data[chance.randrange(end)] = chance.choice([0, 0x7F, 0xFF, chance.randrange(256)])
    cut = len(data) if chance.random() < 0.8 else chance.randrange(len(data))
    return Blob(f"a picture, {name}", bytes(data[:cut]) + chance.choice([b"", b"\0" * 99]))


KINDS: tuple[Callable[[Random], Blob], ...] = (
    *(json_lines, json_array, csv_rows, odd_csv, parquet, wide_parquet, compressed),
    *(another_kind, picture),
)
_BOMB_SHARE = 0.01


def generate_blob(number: int) -> Blob:
    """The blob of a number: the same gives the same; as they count up each kind has its turn."""
    chance = Random(number)
    if chance.random() < _BOMB_SHARE:
        return bomb(chance)
    blob = KINDS[number % len(KINDS)](chance)
    return replace(blob, kind=f"{blob.kind} ({number})")
