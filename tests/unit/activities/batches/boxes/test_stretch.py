"""What is given back never begins, and what has begun is never given back."""

import threading
from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from activities.batches.boxes.stretch import Stretch
from fanout.models.plan import Cut

PATIENCE_SECONDS = 60.0


def make_stretch(*sizes: int, first: int = 0) -> Stretch:
    cuts, index = [], first
    for size in sizes:
        cuts.append(Cut(0, 0, index, size, 0))
        index += size
    return Stretch(cuts)


def keep(kept: int) -> int | None:
    return kept


SIZES = st.lists(st.integers(1, 4), min_size=1, max_size=6)


@given(sizes=SIZES, first=st.integers(0, 50), begun=st.integers(0, 24), answer=st.integers(0, 7))
def test_a_batch_keeps_the_cuts_that_it_has_begun_or_that_another_execution_has_kept(
    sizes: list[int], first: int, begun: int, answer: int
):
    """`answer` is what others have kept: 0 is nobody, 7 that they carried out all of it."""
    stretch, total = make_stretch(*sizes, first=first), sum(sizes)
    begun = min(begun, total)
    assert all(stretch.begin(first + number) for number in range(begun))
    asked: list[int] = []

    def give_back(kept: int) -> int | None:
        asked.append(kept)
        return kept if answer == 0 else None if answer == 7 else min(answer, len(sizes) - 1)

    stretch.cut_short(give_back)
    after = [first + number for number in range(total) if stretch.begin(first + number)]
    ends = [sum(sizes[:count]) for count in range(len(sizes) + 1)]
    own = next(count for count in range(1, len(sizes) + 1) if ends[count] >= begun)
    if own == len(sizes):
        assert asked == [] and not stretch.has_rest and len(after) == total
        return
    assert asked == [own] and stretch.has_rest
    end = begun if answer == 7 else ends[own if answer == 0 else min(answer, len(sizes) - 1)]
    # Those that have begun here go on, whatever others have kept.
    assert after == list(range(first, first + max(begun, end)))
    assert stretch.kept == give_back(own)


def test_nothing_is_given_back_once_the_batch_has_ended():
    stretch = make_stretch(1, 1)
    assert stretch.begin(0)
    stretch.close()
    stretch.cut_short(pytest.fail)
    assert (stretch.kept, stretch.has_rest) == (None, False)


def test_a_write_that_fails_leaves_the_batch_all_its_items():
    stretch = make_stretch(1, 1, 1)
    assert stretch.begin(0)

    def fail(kept: int) -> int | None:
        raise OSError("storage is away")

    with pytest.raises(OSError, match="away"):
        stretch.cut_short(fail)
    assert not stretch.has_rest
    assert stretch.begin(1) and stretch.begin(2)
    stretch.close()


def test_no_item_begins_and_no_batch_ends_while_it_is_written_down_what_is_given_back():
    stretch, is_writing, may_end = make_stretch(1, 1, 1), threading.Event(), threading.Event()
    assert stretch.begin(0)

    def write(kept: int) -> int | None:
        is_writing.set()
        assert may_end.wait(PATIENCE_SECONDS)
        return kept

    told: list[object] = []

    def go_on() -> None:
        told.append(stretch.begin(1))
        stretch.close()
        told.append(stretch.kept)

    writer = threading.Thread(target=stretch.cut_short, args=(write,))
    worker = threading.Thread(target=go_on)
    writer.start()
    assert is_writing.wait(PATIENCE_SECONDS)
    worker.start()
    worker.join(0.05)
    assert worker.is_alive() and told == []
    may_end.set()
    for thread in (writer, worker):
        thread.join(PATIENCE_SECONDS)
    assert told == [False, 1]


@pytest.mark.parametrize("items", [3, 50, 400])
def test_each_item_is_of_the_batch_or_of_the_rest_however_threads_meet(items: int):
    """A worker begins items one after the other while another thread cuts the batch short."""
    for _ in range(40):
        stretch, begun = make_stretch(*[1] * items), []
        meet = threading.Barrier(2)

        def work(stretch: Stretch = stretch, begun: list[int] = begun, meet=meet) -> None:
            meet.wait()
            begun.extend(index for index in range(items) if stretch.begin(index))
            stretch.close()

        def cut(stretch: Stretch = stretch, meet=meet) -> None:
            meet.wait()
            stretch.cut_short(keep)

        in_parallel(work, cut)
        kept = items if stretch.kept is None else stretch.kept
        assert begun == list(range(kept))
        assert stretch.has_rest == (kept < items)


def in_parallel(*works: Callable[[], None]) -> None:
    threads = [threading.Thread(target=work) for work in works]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(PATIENCE_SECONDS)
        assert not thread.is_alive()


def test_progress_tells_how_many_have_begun_and_how_many_could_be_given_back():
    stretch = make_stretch(2, 3, 4)
    assert (stretch.progress.begun, stretch.progress.rest) == (0, 7)
    assert stretch.begin(0) and stretch.begin(1)
    assert (stretch.progress.begun, stretch.progress.rest) == (2, 7)
    assert stretch.begin(2)
    assert (stretch.progress.begun, stretch.progress.rest) == (3, 4)
    assert stretch.begin(8)
    assert (stretch.progress.begun, stretch.progress.rest) == (9, 0)
