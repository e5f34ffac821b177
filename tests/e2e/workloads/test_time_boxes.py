"""A batch at slow items gives back what it has not begun: others take it, and all adds up.

That is seen by the order in which items end, not by how long they take: an item that waits until
others have ended ends only if these need not wait for it.
"""

import json
import signal
import time
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from rig.web import Host
from tests.support.hosts.hosts import chosen, patient
from tests.support.hosts.product import Product, client_of, new_inbox
from tests.support.hosts.running_product import APP
from tests.support.workloads.errand_workloads import Journal
from tests.support.workloads.errands import errands

# Items write into a file of the test.
pytestmark = pytest.mark.needs_same_machine
WIDTH = 12
START_SECONDS = 20
RESTART_SECONDS = 60


def boxed(journal: Journal, items: list[dict[str, Any]], **more: Any) -> dict[str, Any]:
    """Ask for a run over these whose batches are as large as the app likes."""
    request = errands(journal, items, concurrency={"batches": WIDTH}, **more)
    del request["batch"]
    return request


def insist_on_one_outcome_each(product: Product, run_id: str, items: int) -> None:
    outcomes = product.outcomes(run_id)
    assert [outcome.index for outcome in outcomes] == list(range(items))
    assert {outcome.status for outcome in outcomes} == {"succeeded"}
    assert [outcome.output for outcome in outcomes] == list(range(items))


def most_at_once(journal: Journal) -> int:
    """How many items were at work at a time, at most."""
    edges = [(entry.began, 1) for entry in journal.entries()]
    edges += [(entry.ended, -1) for entry in journal.entries()]
    most = now = 0
    for _, step in sorted(edges):
        now += step
        most = max(most, now)
    return most


@pytest.fixture
def journal(tmp_path: Path) -> Journal:
    return Journal(tmp_path / "journal.jsonl")


def test_slow_items_are_spread_while_the_first_batch_is_at_its_first_item(
    product: Product, journal: Journal
):
    items: list[dict[str, Any]] = [{"behind": 23}] + [{"seconds": 0.5}] * 23
    status = product.run(boxed(journal, items))
    assert (status["outcome"], status["items"]["succeeded"]) == ("succeeded", 24)
    ended = [entry.item for entry in journal.entries()]
    assert ended[-1] == "0", "the others waited for the first"
    assert Counter(ended) == Counter(map(str, range(24)))
    assert 3 <= most_at_once(journal) <= WIDTH
    insist_on_one_outcome_each(product, status["run_id"], 24)


def test_quick_items_do_not_wait_for_those_of_their_batch_that_take_long(
    product: Product, journal: Journal
):
    items: list[dict[str, Any]] = [{}] * 60
    items[3] = items[30] = {"behind": 58}
    status = product.run(boxed(journal, items))
    assert (status["outcome"], status["items"]["succeeded"]) == ("succeeded", 60)
    ended = [entry.item for entry in journal.entries()]
    assert {*ended[-2:]} == {"3", "30"}
    assert Counter(ended) == Counter(map(str, range(60)))
    insist_on_one_outcome_each(product, status["run_id"], 60)


def test_what_a_batch_gave_back_is_tried_again_where_it_fails(product: Product, journal: Journal):
    items: list[dict[str, Any]] = [{"good": 1 + n % 2, "seconds": 0.02} for n in range(40)]
    items[5] = {"behind": 15}
    items[21] = {"ending": "permanent"}
    request = boxed(journal, items, tolerance={"percentage": 10})
    status = product.run(request)
    counts = status["items"]
    assert (counts["succeeded"], counts["failed"], counts["total"]) == (39, 1, 40)
    outcomes = product.outcomes(status["run_id"])
    assert sorted(outcome.index for outcome in outcomes) == list(range(40))
    assert [outcome.index for outcome in outcomes if outcome.status == "failed"] == [21]
    assert set(journal.effects().values()) == {1}


def wait_for_entries(journal: Journal, count: int) -> None:
    ends = time.monotonic() + patient(START_SECONDS)
    while len(journal.entries()) < count:
        assert time.monotonic() < ends, "nobody took what the first batch gave back"
        time.sleep(0.02)


def start(host: Host, request: dict[str, Any]) -> str:
    answer = host.request("POST", "/api/runs", json.dumps(request).encode())
    assert answer.status == 202, answer.body
    return str(answer.json["run_id"])


@pytest.mark.needs_embedded
@pytest.mark.needs_restart
def test_a_host_that_is_killed_while_others_have_the_rest_loses_and_repeats_no_effect(
    storage: str, tmp_path: Path, journal: Journal
):
    items: list[dict[str, Any]] = [{"behind": 29}] + [{"seconds": 0.3}] * 29
    environment = {"FANOUT_STORAGE": storage, "FANOUT_SOURCE_CONTAINERS": "*"}
    environment |= {"FANOUT_RUNS_CONTAINER": "time-boxes", "FANOUT_LOG_LEVEL": "WARNING"}
    with chosen().running(APP, tmp_path, "--no-stack", environment=environment) as host:
        run_id = start(host, boxed(journal, items))
        wait_for_entries(journal, 5)
        assert len(journal.entries()) < 29, "it was over too soon"
        host.stop(signal.SIGKILL)
    with (
        client_of(storage) as blobs,
        chosen().running(APP, tmp_path, "--no-stack", environment=environment) as host,
    ):
        product = Product(host, new_inbox(blobs), blobs)
        status = product.done(run_id, patient(RESTART_SECONDS))
        assert (status["outcome"], status["items"]["succeeded"]) == ("succeeded", 30), status
        insist_on_one_outcome_each(product, run_id, 30)
    assert set(journal.effects().values()) == {1}
    assert journal.effects().keys() == set(map(str, range(30)))
    assert max(journal.calls().values()) <= 2, "one kill repeats an item once at most"
