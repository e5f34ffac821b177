"""A page of items over a damaged part: it is named, and the items of all others are shown."""

from typing import Any

import pytest

from fanout.adapters.run_files.outcome_pages import outcome_page
from fanout.messages.run import RunRef
from tests.support.replays.local_runs import RUN_ID, LocalRun, inline

BATCHES = 3


@pytest.mark.parametrize("limit", [1, 2, 100])
@pytest.mark.parametrize("damaged", range(BATCHES))
def test_all_items_but_those_of_a_damaged_part_are_shown(damaged: int, limit: int):
    run = LocalRun(inline([{"id": n} for n in range(2 * BATCHES)], batch={"max_items": 2}))
    run.run()
    paths = [*run.store.names("runs", f"{RUN_ID}/parts/")]
    kept = run.store.properties("runs", paths[damaged])
    assert kept is not None
    whole = run.store.read("runs", paths[damaged])
    run.store.write("runs", paths[damaged], whole[:-5], metadata=kept.metadata)
    items, unreadable, continuation = list[Any](), list[Any](), None
    while True:
        page = outcome_page(run.files, RunRef(run_id=RUN_ID), None, limit, continuation)
        items += page.items
        unreadable += page.unreadable
        continuation = page.continuation
        if continuation is None:
            break
    gone = {2 * damaged, 2 * damaged + 1}
    assert [item["index"] for item in items] == [n for n in range(2 * BATCHES) if n not in gone]
    (line,) = unreadable
    assert (line.part, paths[damaged] in line.reason) == (paths[damaged], True)
