import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from fanout.models.request import BatchLimits
from fanout.splitting.cuts import Growth, cut_records
from fanout.splitting.scan import RecordBounds


def bounds(sizes: list[int]) -> RecordBounds:
    ends = np.cumsum(sizes, dtype=np.int64)
    return RecordBounds(ends - sizes, ends, np.arange(1, len(sizes) + 1))


@given(
    st.lists(st.integers(1, 20), min_size=1, max_size=400),
    st.integers(1, 30),
    st.integers(1, 10),
    st.integers(1, 500),
)
def test_cuts_that_grow_hold_each_record_once_and_no_more_than_they_may(
    sizes: list[int], first_bytes: int, every: int, max_bytes: int
):
    limits, growth = BatchLimits(max_bytes=first_bytes), Growth(every, max_bytes)
    cuts = [*cut_records([bounds(sizes)], limits, growth=growth)]
    assert [cut.first_index for cut in cuts] == [
        sum(cut.items for cut in cuts[:number]) for number in range(len(cuts))
    ]
    assert sum(cut.items for cut in cuts) == len(sizes)
    for number, cut in enumerate(cuts):
        doubled = first_bytes * 2 ** (number // every)
        allowed = max(first_bytes, min(doubled, max_bytes))
        assert cut.end - cut.offset <= allowed or cut.items == 1


def test_any_number_of_records_makes_few_cuts_once_they_grow():
    records = bounds([2] * 1_000_000)
    cuts = [*cut_records([records], BatchLimits(max_bytes=1), growth=Growth(100, 1_048_576))]
    assert len(cuts) < 3_000
