"""Arrays that Arrow allows and files rarely hold are read by the same rules."""

import pyarrow as pa
import pytest

from fanout.adapters.sources.parquet.values import read_column, read_values
from tests.support.parquet.files import counts, texts

MOMENTS = counts(pa.timestamp("ns"), 1, 2, 3)
MOMENT = "1970-01-01T00:00:00.00000000"


def test_what_a_null_list_hides_is_no_fault():
    words = texts(b"a", b"\xff", b"b")
    lists = pa.ListArray.from_arrays([0, 1, 2, 3], words, mask=pa.array([False, True, False]))
    assert read_values(lists) == ([["a"], None, ["b"]], {})


@pytest.mark.parametrize("kind", [pa.list_, pa.large_list, pa.list_view])
def test_slices_of_lists_have_their_own_elements(kind):
    lists = pa.array([[1], [2, 3], None, []], kind(pa.timestamp("ns")))
    expected = [[f"{MOMENT}2", f"{MOMENT}3"], None, []]
    assert read_values(lists.slice(1)) == (expected, {})


def test_slices_of_maps_and_lists_of_one_length_have_their_own_elements():
    maps = pa.MapArray.from_arrays([0, 1, 2, 3], pa.array(["x", "y", "z"]), MOMENTS)
    assert read_values(maps.slice(1)).values == [[("y", f"{MOMENT}2")], [("z", f"{MOMENT}3")]]
    pairs = pa.FixedSizeListArray.from_arrays(counts(pa.timestamp("ns"), *range(6)), 2)
    assert read_values(pairs.slice(2)).values == [[f"{MOMENT}4", f"{MOMENT}5"]]


@pytest.mark.parametrize(
    "array",
    [
        pa.DictionaryArray.from_arrays(pa.array([0, 1, 2]), MOMENTS),
        pa.RunEndEncodedArray.from_arrays(pa.array([1, 2, 3], pa.int32()), MOMENTS),
        pa.ExtensionArray.from_storage(pa.opaque(MOMENTS.type, "t", "v"), MOMENTS),
    ],
    ids=["dictionary", "runs", "extension"],
)
def test_an_encoding_changes_no_value(array: pa.Array):
    assert read_values(array) == ([f"{MOMENT}{n}" for n in (1, 2, 3)], {})


def test_a_list_view_with_a_fault_is_read_and_fails_alone():
    lists = pa.ListViewArray.from_arrays([0, 1, 0], [1, 1, 0], texts(b"ok", b"\xff"))
    read = read_values(lists)
    assert (read.values, list(read.faults)) == ([["ok"], [None], []], [1])
    assert read.faults[1].place == "[0]"


def test_lists_of_nothing_are_read_whatever_their_elements_would_be():
    times = counts(pa.time64("us"))
    opaque = pa.ExtensionArray.from_storage(pa.opaque(times.type, "t", "v"), times)
    nothing = pa.StructArray.from_arrays([times, opaque], ["at", "opaque"])
    mask = pa.array([False, True])
    views = pa.ListViewArray.from_arrays([0, 0], [0, 0], nothing, mask=mask)
    assert read_values(views) == ([[], None], {})
    assert read_values(pa.ListArray.from_arrays([0, 0, 0], nothing, mask=mask)) == ([[], None], {})


def test_faults_of_later_chunks_keep_their_rows():
    column = pa.chunked_array([texts(b"a", b"\xff"), texts(), texts(b"\xfe", b"b")])
    read = read_column(column, None)
    assert (read.values, sorted(read.faults)) == (["a", None, None, "b"], [1, 2])


def test_int96_of_chunks_takes_the_milliseconds_of_its_own_rows():
    far = 10**15  # milliseconds, of a year that nanoseconds do not count to
    fine = counts(pa.timestamp("ns"), *(_low_bits(far * 10**6 + n) for n in range(3)))
    column = pa.chunked_array([fine.slice(0, 1), fine.slice(1)])
    coarse = pa.chunked_array([counts(pa.timestamp("ms"), far, far, far)])
    read = read_column(column, coarse)
    assert read.faults[2].message == "the date 33658-09-27 is not within the years 1 to 9999"
    near = counts(pa.timestamp("ms"), 0, 10**13, 10**13)
    sums = counts(pa.timestamp("ns"), 5, *(_low_bits(10**19 + n) for n in (7, 8)))
    assert read_column(pa.chunked_array([sums]), pa.chunked_array([near])).values == [
        "1970-01-01T00:00:00.000000005",
        "2286-11-20T17:46:40.000000007",
        "2286-11-20T17:46:40.000000008",
    ]


def _low_bits(number: int) -> int:
    return (number + 2**63) % 2**64 - 2**63
