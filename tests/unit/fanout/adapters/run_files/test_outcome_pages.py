"""A page of outcomes is bounded by bytes as well, and the pages together have every one."""

import pytest
from pydantic_core import to_json

from fanout.adapters.run_files import outcome_pages
from fanout.messages.run import RunRef
from fanout.models.request import RunRequest
from tests.support.replays.local_runs import RUN_ID, LocalRun
from tests.support.workloads.probe_workloads import Probe

ITEMS = 30


@pytest.mark.parametrize("max_bytes", [1, 400, 10**6])
@pytest.mark.parametrize("limit", [7, 1000])
def test_a_page_ends_early_where_outcomes_are_long(
    max_bytes: int, limit: int, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(outcome_pages, "MAX_PAGE_BYTES", max_bytes)
    items = [{"id": number} for number in range(ITEMS)]
    source = {"kind": "inline", "items": items}
    batch = {"max_items": 4}
    run = LocalRun(
        RunRequest.model_validate({"workload": Probe.name, "source": source, "batch": batch})
    )
    run.work_off(run.plan())
    token, found, pages = None, [], 0
    while True:
        ref = RunRef(run_id=RUN_ID)
        page = outcome_pages.outcome_page(run.files, ref, None, limit, token)
        assert 1 <= len(page.items) <= limit
        assert sum(len(to_json(item)) for item in page.items[:-1]) < max_bytes
        found += [item["index"] for item in page.items]
        pages, token = pages + 1, page.continuation
        if token is None:
            break
    assert found == list(range(ITEMS))
    assert (pages == ITEMS) == (max_bytes == 1)
