"""Runs whose turns are torn come to what they come to without, item by item."""

import asyncio
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from fanout.messages.run import RunEnd
from localhost.durable.engine.tearing import Tearing
from tests.support.replays.local_hub import LocalHub, local_hub
from tests.support.replays.local_runs import inline
from tests.support.workloads import probe_workloads

AT_ONCE = {"base_seconds": 0.01, "factor": 1, "max_seconds": 0.01, "jitter_seconds": 0.01}
KINDS: tuple[dict[str, Any], ...] = (
    {},
    {"good": 2},
    {"good": 3, "undo_good": 2},
    {"ending": "permanent"},
    {"undo_good": 3},
    {"ending": "transient"},
)
SHAPES: dict[str, dict[str, Any]] = {
    "one shard": {"concurrency": {"batches": 4}},
    "four shards": {"concurrency": {"batches": 64}},
    "stopped": {"tolerance": {"count": 2}, "concurrency": {"batches": 4}},
    "undone": {"tolerance": {"count": 0}, "on_exceeded": "compensate"},
    "undone by four shards": {
        "tolerance": {"count": 0},
        "on_exceeded": "compensate",
        "concurrency": {"batches": 64},
    },
}
SETTLED = ("one shard", "four shards")
ITEMS = 36
Seen = tuple[RunEnd, list[tuple[int, str]]]


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Seen]:
    return _runs(tmp_path_factory.mktemp("whole"), None)


@pytest.mark.parametrize("seed", range(3))
def test_torn_turns_change_nothing_of_what_a_run_comes_to(
    whole: dict[str, Seen], tmp_path: Path, seed: int
):
    torn = _runs(tmp_path, Tearing((0.2, 0.5, 1.0)[seed], (0.0, 0.1), seed))
    for shape, (end, outcomes) in torn.items():
        expected, lines = whole[shape]
        assert end.outcome == expected.outcome, shape
        assert end.items.total == sum(end.items.model_dump(exclude={"total"}).values())
        if shape in SETTLED:
            assert (end.items, outcomes) == (expected.items, lines), shape
        else:  # how far it came before it was to stop is a matter of time
            assert [index for index, _ in outcomes] == [index for index, _ in lines]


def _runs(folder: Path, tearing: Tearing | None) -> dict[str, Seen]:
    async def all_of_them() -> dict[str, Seen]:
        more = {} if tearing is None else {"tearing": tearing}
        async with local_hub(folder / "hub.db", **more) as local:
            found = await asyncio.gather(
                *(_seen(local, f"r{n}", shape) for n, shape in enumerate(SHAPES.values()))
            )
        return dict(zip(SHAPES, found, strict=True))

    return asyncio.run(all_of_them())


async def _seen(local: LocalHub, run_id: str, shape: dict[str, Any]) -> Seen:
    asked = {"tolerance": {"percentage": 100}, "batch": {"max_items": 3}, "retry": AT_ONCE}
    items = [{"id": n} | KINDS[n % len(KINDS)] for n in range(ITEMS)]
    request = inline(items, probe_workloads.Probe.name, **(asked | shape))
    end = await local.run(run_id, request)
    return end, sorted(_statuses(local, run_id))


def _statuses(local: LocalHub, run_id: str) -> Iterator[tuple[int, str]]:
    for outcome in local.outcomes(run_id):
        for index in range(outcome.index, outcome.index + outcome.count):
            yield index, outcome.status
