"""Random tables of every type that Parquet keeps, with values that are hard to hold."""

import struct
from collections.abc import Callable
from decimal import Decimal
from random import Random
from typing import Any

import pyarrow as pa

from tests.support.parquet.files import counts, texts

ZONES = ["UTC", "Europe/Berlin", "America/St_Johns", "+05:30", "Mars/Olympus", "Asia/Kathmandu"]
_HARD_WORDS = [b"", b"plain", "größe 🚀".encode(), b'"\\\n', b"\x00", b"\xe2\x80\xa8", b"x" * 300]
_BAD_WORDS = [b"caf\xe9", b"\xff", b"ok\xc3", b"\xed\xa0\x80", b"\xf5\x80\x80\x80"]
_FLOATS = [0.0, -0.0, 1.5, 1e308, 5e-324, float("nan"), float("inf"), float("-inf")]
_LIMITS = {
    "date32[day]": (-719_162, 2_932_896),
    "s": (-62_135_596_800, 253_402_300_799),
}
_UNITS = {"s": 1, "ms": 10**3, "us": 10**6, "ns": 10**9}

Column = Callable[[Random, int], pa.Array]


def random_table(random: Random) -> pa.Table:
    rows = random.choice([0, 1, 2, 10, 40])
    columns = random.randint(1, 6)
    arrays = [random_array(random, rows, depth=0) for _ in range(columns)]
    return pa.Table.from_arrays(arrays, [f"c{number}" for number in range(columns)])


def random_moments(random: Random) -> pa.Table:
    """A table of moments without a zone: by themselves, in lists, and in structs beside others."""
    rows = random.choice([1, 5, 20])
    make = _times(pa.timestamp(random.choice(["us", "ns", "ms"])), wild=0)
    ends = _bounds(random, rows)
    parts = [make(random, rows), pa.array(range(rows)), _words(pa.string())(random, rows)]
    return pa.table(
        {
            "moment": make(random, rows),
            "list": pa.ListArray.from_arrays(pa.array(ends, pa.int32()), make(random, ends[-1])),
            "struct": pa.StructArray.from_arrays(parts, ["t", "n", "w"]),
            "text": _words(pa.string())(random, rows),
        }
    )


def random_options(random: Random) -> dict[str, Any]:
    """How a table is written."""
    return {
        "row_group_size": random.choice([1, 7, 1000]),
        "compression": random.choice(["none", "snappy", "gzip", "zstd", "lz4", "brotli"]),
        "version": random.choice(["1.0", "2.4", "2.6", "2.6", "2.6"]),
        "data_page_version": random.choice(["1.0", "2.0"]),
        "use_dictionary": random.random() < 0.5,
        "data_page_size": random.choice([1, 100, 1_000_000]),
        "write_page_checksum": random.random() < 0.5,
        "store_schema": random.random() < 0.7,
        "write_statistics": random.random() < 0.5,
    }


def random_array(random: Random, rows: int, depth: int) -> pa.Array:
    nest = [_lists, _large_lists, _fixed_lists, _list_views, _structs, _maps]
    if depth < 3 and random.random() < 0.3:
        return random.choice(nest)(random, rows, depth)
    return random.choice(LEAVES)(random, rows)


def _times(data_type: pa.DataType, wild: float = 0.1) -> Column:
    def make(random: Random, rows: int) -> pa.Array:
        return counts(data_type, *_some(random, rows, lambda: _count(random, data_type, wild)))

    return make


def _count(random: Random, data_type: pa.DataType, wild: float) -> int:
    if random.random() < wild:
        bits = data_type.bit_width - 1
        return random.randint(-(2**bits), 2**bits - 1)
    if pa.types.is_date(data_type):
        return random.randint(*_LIMITS["date32[day]"])
    scale = _UNITS[data_type.unit]
    if pa.types.is_time(data_type):
        return random.randint(0, 86_400 * scale - 1) // random.choice([1, scale])
    low, high = (limit * scale for limit in _LIMITS["s"])
    count = random.randint(max(low, -(2**63)), min(high, 2**63 - 1))
    return count - count % random.choice([1, 1000]) if data_type.unit == "ns" else count


def _some(random: Random, rows: int, make: Callable[[], Any], nulls: float = 0.15) -> list[Any]:
    return [None if random.random() < nulls else make() for _ in range(rows)]


def _word(random: Random, bad: float) -> bytes:
    return random.choice(_BAD_WORDS if random.random() < bad else _HARD_WORDS)


def _words(data_type: pa.DataType) -> Column:
    def make(random: Random, rows: int) -> pa.Array:
        bad = random.choice([0, 0, 0.1])
        return texts(*_some(random, rows, lambda: _word(random, bad)), data_type=data_type)

    return make


def _categories(random: Random, rows: int) -> pa.Array:
    words = texts(*(_word(random, 0.1) for _ in range(5)))
    numbers = _some(random, rows, lambda: random.randrange(5))
    return pa.DictionaryArray.from_arrays(pa.array(numbers, pa.int32()), words)


def _integers(data_type: pa.DataType, low: int, high: int) -> Column:
    return lambda random, rows: pa.array(
        _some(random, rows, lambda: random.choice([low, high, random.randint(low, high)])),
        data_type,
    )


def _floats(data_type: pa.DataType) -> Column:
    def number(random: Random) -> float:
        if random.random() < 0.5:
            return random.choice(_FLOATS)
        (value,) = struct.unpack("<f", struct.pack("<f", random.gauss(0, 1e6)))
        return value

    def make(random: Random, rows: int) -> pa.Array:
        numbers = _some(random, rows, lambda: number(random))
        return pa.array(numbers, pa.float64()).cast(data_type, safe=False)

    return make


def _decimals(data_type: pa.DataType) -> Column:
    def make(random: Random, rows: int) -> pa.Array:
        most = 10**data_type.precision - 1
        numbers = _some(random, rows, lambda: random.randint(-most, most))
        values = [None if n is None else _scaled(n, data_type.scale) for n in numbers]
        return pa.array(values, data_type)

    return make


def _scaled(number: int, scale: int) -> Decimal:
    return Decimal((number < 0, tuple(map(int, str(abs(number)))), -scale))


def _bytes(data_type: pa.DataType, length: int | None = None) -> Column:
    return lambda random, rows: pa.array(
        _some(
            random,
            rows,
            lambda: random.randbytes(random.randint(0, 9) if length is None else length),
        ),
        data_type,
    )


def _of_storage(data_type: pa.DataType, storage: Column) -> Column:
    return lambda random, rows: pa.ExtensionArray.from_storage(data_type, storage(random, rows))


def _bounds(random: Random, rows: int) -> list[int]:
    ends = [0]
    for _ in range(rows):
        ends.append(ends[-1] + random.choice([0, 1, 3]))
    return ends


def _mask(random: Random, rows: int) -> pa.Array:
    return pa.array([random.random() < 0.15 for _ in range(rows)], pa.bool_())


def _lists(random: Random, rows: int, depth: int) -> pa.Array:
    ends = _bounds(random, rows)
    elements = random_array(random, ends[-1], depth + 1)
    return pa.ListArray.from_arrays(pa.array(ends, pa.int32()), elements, mask=_mask(random, rows))


def _large_lists(random: Random, rows: int, depth: int) -> pa.Array:
    ends = _bounds(random, rows)
    elements = random_array(random, ends[-1], depth + 1)
    mask = _mask(random, rows)
    return pa.LargeListArray.from_arrays(pa.array(ends, pa.int64()), elements, mask=mask)


def _list_views(random: Random, rows: int, depth: int) -> pa.Array:
    elements = random_array(random, rows + 1, depth + 1)
    begins = pa.array([random.randint(0, rows) for _ in range(rows)], pa.int32())
    sizes = pa.array([random.choice([0, 1, 1]) for _ in range(rows)], pa.int32())
    mask = _mask(random, rows)
    return pa.ListViewArray.from_arrays(begins, sizes, elements, mask=mask)


def _fixed_lists(random: Random, rows: int, depth: int) -> pa.Array:
    return pa.FixedSizeListArray.from_arrays(random_array(random, rows * 2, depth + 1), 2)


def _structs(random: Random, rows: int, depth: int) -> pa.Array:
    fields = random.randint(1, 3)
    names = [f"f{number}" for number in range(fields)]
    if random.random() < 0.1:
        names[-1] = names[0]
    arrays = [random_array(random, rows, depth + 1) for _ in range(fields)]
    return pa.StructArray.from_arrays(arrays, names, mask=_mask(random, rows))


def _maps(random: Random, rows: int, depth: int) -> pa.Array:
    ends = _bounds(random, rows)
    keys = random.choice([_words(pa.string()), _integers(pa.int8(), -2, 2)])(random, ends[-1])
    keys = keys.fill_null(b"key".decode() if pa.types.is_string(keys.type) else 0)
    items = random_array(random, ends[-1], depth + 1)
    return pa.MapArray.from_arrays(pa.array(ends, pa.int32()), keys, items)


LEAVES: list[Column] = [
    lambda random, rows: pa.array(_some(random, rows, lambda: random.random() < 0.5), pa.bool_()),
    lambda random, rows: pa.nulls(rows),
    _integers(pa.int8(), -128, 127),
    _integers(pa.uint32(), 0, 2**32 - 1),
    _integers(pa.int64(), -(2**63), 2**63 - 1),
    _integers(pa.uint64(), 0, 2**64 - 1),
    _floats(pa.float16()),
    _floats(pa.float32()),
    _floats(pa.float64()),
    _decimals(pa.decimal128(9, 2)),
    _decimals(pa.decimal128(38, 38)),
    _decimals(pa.decimal256(76, 10)),
    _words(pa.string()),
    _words(pa.large_string()),
    _words(pa.string_view()),
    _categories,
    _bytes(pa.binary()),
    _bytes(pa.binary(5), 5),
    _of_storage(pa.uuid(), _bytes(pa.binary(16), 16)),
    _of_storage(pa.bool8(), _integers(pa.int8(), 0, 1)),
    _of_storage(pa.opaque(pa.int8(), "type", "vendor"), _integers(pa.int8(), 0, 1)),
    *(
        _times(data_type)
        for data_type in [
            pa.date32(),
            pa.time32("s"),
            pa.time32("ms"),
            pa.time64("us"),
            pa.time64("ns"),
            *(pa.duration(unit) for unit in _UNITS),
            *(pa.timestamp(unit) for unit in _UNITS),
            *(pa.timestamp(unit, zone) for unit in _UNITS for zone in ZONES),
        ]
    ),
]
