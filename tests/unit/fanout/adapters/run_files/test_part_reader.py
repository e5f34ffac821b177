"""Parts are read in order and ahead, as many as memory has room for."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fanout.adapters.run_files.files import RunFiles
from fanout.adapters.run_files.part_reader import (
    READ_AHEAD_BYTES,
    READ_AT_ONCE,
    PlannedBatch,
    read_planned,
)
from fanout.models.plan import Cut, Origin
from tests.support.doubles.memory_store import MemoryStore

MIB = 1_048_576


def batches(store: MemoryStore, parts: list[bytes | None]) -> list[PlannedBatch]:
    """Batches with these parts; None is a batch that nobody tried."""
    for number, part in enumerate(parts):
        if part is not None:
            store.write("runs", f"part-{number}", part)
    return [
        PlannedBatch(
            Cut(number, number + 1, number, 1, 0),
            Origin(partition=0, first_cut=number, part=None if part is None else f"part-{number}"),
        )
        for number, part in enumerate(parts)
    ]


@given(st.lists(st.none() | st.integers(0, 3 * MIB).map(lambda size: b"x" * size), max_size=20))
def test_every_part_comes_once_and_in_order(parts: list[bytes | None]):
    store = MemoryStore()
    read = list(read_planned(RunFiles(store, "runs"), iter(batches(store, parts))))  # type: ignore[arg-type]
    assert [outcomes.origin.first_cut for outcomes in read] == list(range(len(parts)))
    for part, outcomes in zip(parts, read, strict=True):
        assert (part is None and b'"pending"' in outcomes.lines) or outcomes.lines == part


@pytest.mark.parametrize(("size", "most"), [(MIB, 4), (4 * MIB, 2), (64 * MIB, 2), (10, 8)])
def test_few_large_parts_are_held_or_many_small_ones(size: int, most: int):
    store = MemoryStore()
    planned = batches(store, [b"x" * size] * 12)
    read = read_planned(RunFiles(store, "runs"), iter(planned))  # type: ignore[arg-type]
    ahead = [(store.bytes_read // size) - number for number, _ in enumerate(read)]
    assert max(ahead) <= most
    assert most == READ_AT_ONCE or most * size <= max(READ_AHEAD_BYTES, 2 * size)
