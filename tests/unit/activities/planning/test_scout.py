"""The scout: a small run is one activity, a large one begins with it, and each item ends once."""

from collections.abc import Iterator
from typing import Any

import pytest

import activities.endings.finish as finishing
from fanout.adapters.run_files.files import forget_kept
from fanout.models.request import RunRequest
from fanout.naming import functions
from tests.support.replays.local_runs import inline
from tests.support.replays.scouted_runs import ScoutedRun


@pytest.fixture(autouse=True)
def _no_bus(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nobody is told of an end: there is no Service Bus."""
    monkeypatch.setattr(finishing, "messaging", lambda: None)


@pytest.fixture(autouse=True)
def _fresh() -> Iterator[None]:
    """Each run is another, though all have one id."""
    forget_kept()
    yield
    forget_kept()


def asked(items: int, **more: Any) -> RunRequest:
    """A run over items that end well, cut as the product cuts where nobody says how."""
    return inline([{"id": n} for n in range(items)], **({"batch": None} | more))


@pytest.mark.parametrize("width", [101, 200, 1_000])
@pytest.mark.parametrize("items", [17, 100, 1_000])
def test_a_run_of_several_shards_goes_on_when_the_first_is_done(items: int, width: int) -> None:
    """The scout's batch may be all that the first shard has, and not all that there is."""
    scene = ScoutedRun(asked(items, concurrency={"batches": width}))
    end = scene.carry_out()
    scene.insist_on_one_end(end)
    assert (end.items.total, end.items.succeeded) == (items, items)
    assert functions.PROCESS_BATCH in scene.inline.called


def failing(kinds: int, text: str, **more: Any) -> RunRequest:
    """A run whose items fail in so many ways, each with a long text."""
    items = [{"id": f"{n}-{text}", "says": f"{n}-{text}"} for n in range(kinds)]
    return inline(items, **({"batch": None, "tolerance": {"percentage": 100}} | more))


@pytest.mark.parametrize("text", ["x" * 600, "\N{SNOWMAN}" * 600, '"' * 600])
@pytest.mark.parametrize("on_exceeded", ["stop", "continue", "compensate"])
@pytest.mark.parametrize("tolerance", [{"percentage": 0}, {"percentage": 100}])
def test_its_answer_fits_into_a_history_whatever_items_fail_of(
    text: str, on_exceeded: str, tolerance: dict[str, float]
) -> None:
    scene = ScoutedRun(failing(9, text, on_exceeded=on_exceeded, tolerance=tolerance))
    end = scene.carry_out()
    scene.insist_on_one_end(end)
    assert end.items.failed == 9
