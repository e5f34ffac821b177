"""A batch gives back its rest when its box is over or an item takes long, and may tell of it."""

import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field

import pytest

from activities.batches.boxes import box_watch
from activities.batches.boxes.box_watch import BoxWatch
from activities.batches.boxes.stretch import Stretch
from fanout.messages.batches import TimeBox
from fanout.models.plan import Cut

PATIENCE_SECONDS = 60.0
NEVER = 1000.0
SHORT = TimeBox(seconds=0.2, stuck_seconds=NEVER)
STUCK = TimeBox(seconds=NEVER, stuck_seconds=0.02)


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(box_watch, "LOOK_EVERY_SECONDS", 0.005)
    monkeypatch.setattr(box_watch, "GRACE_SECONDS", 0.02)
    monkeypatch.setattr(box_watch, "LITTLE_SECONDS", 0.0)


@dataclass
class Batch:
    """A batch of one item a cut, and what its watch does.

    Attributes:
        answer: What giving back answers; as asked unless it is set.
    """

    items: int
    box: TimeBox
    answer: Callable[[int], int | None] = lambda kept: kept
    has_told: threading.Event = field(default_factory=threading.Event)
    has_given_back: threading.Event = field(default_factory=threading.Event)
    told: list[tuple[int, float]] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.stretch = Stretch([Cut(0, 0, index, 1, 0) for index in range(self.items)])
        self.watch = BoxWatch(self.stretch, self.box, self._give_back, self._tell).watch()

    def _give_back(self, kept: int) -> int | None:
        self.has_given_back.set()
        return self.answer(kept)

    def _tell(self, kept: int, item_ms: float) -> None:
        self.told.append((kept, item_ms))
        self.has_told.set()


@pytest.mark.parametrize("box", [SHORT, STUCK])
def test_one_that_goes_on_for_long_gives_back_its_rest_and_tells(box: TimeBox):
    batch = Batch(5, box)
    with batch.watch:
        assert batch.stretch.begin(0) and batch.stretch.begin(1)
        assert batch.has_told.wait(PATIENCE_SECONDS)
        assert not batch.stretch.begin(2)
    ((kept, item_ms),) = batch.told
    assert kept == batch.stretch.kept == 2
    assert item_ms > 0


def test_one_that_ends_soon_after_tells_nobody(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(box_watch, "GRACE_SECONDS", PATIENCE_SECONDS)
    batch = Batch(3, SHORT)
    with batch.watch:
        assert batch.stretch.begin(0)
        assert batch.has_given_back.wait(PATIENCE_SECONDS)
    assert batch.stretch.kept == 1
    wait_for_watches()
    assert batch.told == []


def wait_for_watches() -> None:
    for thread in threading.enumerate():
        if thread.name == "box watch":
            thread.join(PATIENCE_SECONDS)
            assert not thread.is_alive(), "a watch outlives its batch"


def test_one_that_has_begun_all_has_nothing_to_give_back():
    batch = Batch(2, SHORT)
    with batch.watch:
        assert batch.stretch.begin(0) and batch.stretch.begin(1)
        wait_for_watches()
    assert not batch.has_given_back.is_set()


def test_a_quick_batch_is_over_before_its_watch_looks():
    batch = Batch(2, TimeBox(seconds=NEVER, stuck_seconds=NEVER))
    with batch.watch:
        assert batch.stretch.begin(0)
    wait_for_watches()
    assert not batch.has_given_back.is_set() and not batch.stretch.has_rest


def test_a_rest_that_takes_but_little_is_not_given_back(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(box_watch, "LITTLE_SECONDS", NEVER)
    batch = Batch(3, SHORT)
    with batch.watch:
        assert batch.stretch.begin(0)
        time.sleep(0.1)
        assert batch.stretch.begin(1) and batch.stretch.begin(2)
    assert not batch.has_given_back.is_set()


def test_where_it_cannot_be_written_down_the_batch_goes_on_with_all():
    def fail(kept: int) -> int | None:
        raise OSError("storage is away")

    batch = Batch(3, SHORT, fail)
    with batch.watch:
        assert batch.stretch.begin(0)
        assert batch.has_given_back.wait(PATIENCE_SECONDS)
        wait_for_watches()
        assert batch.stretch.begin(1) and batch.stretch.begin(2)
    assert not batch.stretch.has_rest and batch.told == []


def test_what_another_execution_has_carried_out_is_not_told_as_a_rest():
    batch = Batch(3, SHORT, lambda kept: None)
    with batch.watch:
        assert batch.stretch.begin(0)
        assert batch.has_given_back.wait(PATIENCE_SECONDS)
        wait_for_watches()
        assert not batch.stretch.begin(1)
    assert batch.told == [] and batch.stretch.has_rest


def test_a_batch_that_fails_ends_its_watch_and_gives_nothing_back_then():
    batch = Batch(3, TimeBox(seconds=0.2, stuck_seconds=NEVER))
    with pytest.raises(KeyError), batch.watch:
        assert batch.stretch.begin(0)
        raise KeyError("of the source")
    wait_for_watches()
    assert not batch.has_given_back.is_set() and batch.told == []
