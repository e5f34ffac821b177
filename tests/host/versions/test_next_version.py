"""A run that one version of the app began ends on another, wherever in its life it is replaced.

What the later version changes is what docs/operations.md calls safe at any time; a rollback is the
same the other way round.
"""

import signal
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from fanout.naming.instance_ids import shard_instance
from tests.support.harms.hub_contents import instances
from tests.support.hosts.host_process import HostProcess
from tests.support.hosts.hosts import patient
from tests.support.hosts.product import Product, new_container
from tests.support.hosts.running_product import product_on
from tests.support.releases.moments import (
    MOMENTS,
    REDRIVEN_SAGA,
    ROWS,
    Life,
    lives,
    versions_of,
    weight_of,
)
from tests.support.releases.released_work import HOLDS

pytestmark = [pytest.mark.needs_restart, pytest.mark.needs_settings, pytest.mark.timeout(300)]
APPS = Path(__file__).parents[1] / "apps"
# All but the last, which waits for its turn until one of them has ended.
AT_ONCE = len(MOMENTS) - 1
CONTINUED = "in a later history, for it has continued as new"
SOON, LATEST = 60, 120
# The fan-in is a child of its own only where there are ranges to share out.
RANGE_BYTES = "1000"


@dataclass(frozen=True)
class Change:
    """A version of the app that is replaced, and how."""

    before: str
    after: str
    signal: signal.Signals


@dataclass(frozen=True)
class Ends:
    """How all runs ended, and the product as it is then."""

    product: Product
    lives: dict[str, Life]
    statuses: dict[str, dict[str, Any]]


UPGRADE = Change("earlier", "later", signal.SIGTERM)
ROLLBACK = Change("later", "earlier", signal.SIGKILL)


CHANGES = {"upgrade": UPGRADE, "rollback": ROLLBACK}


@pytest.fixture(scope="module", params=CHANGES.values(), ids=CHANGES)
def ends(
    request: pytest.FixtureRequest, storage: str, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Ends]:
    change: Change = request.param
    folder = tmp_path_factory.mktemp("versions")
    settings = {
        "FANOUT_RUNS_CONTAINER": new_container("versions"),
        "FANOUT_MAX_RUNS": str(AT_ONCE),
        "FANOUT_MAX_RESULT_FILE_BYTES": RANGE_BYTES,
    }
    runs = lives(folder, MOMENTS)
    with product_on(
        storage, folder, app=APPS / change.before, **{HOLDS: "1"}, **settings
    ) as before:
        for life in runs.values():
            life.start(before)
            life.reach(before, patient(SOON))
        known = {one["instanceId"] for one in instances(before.host)}
        assert shard_instance(runs[CONTINUED].run_id, 0) in known, "its history is still the first"
        assert isinstance(before.host, HostProcess)
        before.host.stop(change.signal)
    with product_on(storage, folder, app=APPS / change.after, **settings) as after:
        for life in runs.values():
            life.tell(after, life.moment.told[1])
        statuses = {n: after.done(life.run_id, patient(LATEST)) for n, life in runs.items()}
        yield Ends(after, runs, statuses)


@pytest.mark.parametrize("name", MOMENTS)
def test_a_run_ends_on_the_other_version_as_it_would_have(ends: Ends, name: str):
    life, status = ends.lives[name], ends.statuses[name]
    items = {count: number for count, number in status["items"].items() if number}
    total = items.pop("total")
    pending = total - sum(life.moment.ends.values())
    assert status["outcome"] == life.moment.outcome, status
    assert items == dict(life.moment.ends) | ({"pending": pending} if pending else {})
    assert status["take_overs"] == 0, "its orchestration did not go on: it was begun anew"
    life.insist_on_effects()


@pytest.mark.parametrize("name", ["in a batch", "suspended", "at rest, for its rate is limited"])
def test_what_one_version_did_stays_and_the_other_does_the_rest(ends: Ends, name: str):
    assert versions_of(ends.product, ends.lives[name].run_id) == {1, 2}


def test_results_that_one_version_began_to_make_are_whole(ends: Ends):
    run_id = ends.lives["while its results are made"].run_id
    assert weight_of(ends.product, run_id) == sum(range(ROWS))


@pytest.mark.parametrize("change", CHANGES.values(), ids=CHANGES)
def test_a_saga_that_is_redriven_ends_on_the_other_version(
    change: Change, storage: str, tmp_path: Path
):
    settings = {"FANOUT_RUNS_CONTAINER": new_container("redriven")}
    (life,) = lives(tmp_path, {"redriven, in a saga": REDRIVEN_SAGA}).values()
    before_it = APPS / change.before
    with product_on(storage, tmp_path, app=before_it, **{HOLDS: "1"}, **settings) as before:
        life.start(before)
        life.reach(before, patient(SOON))
        assert isinstance(before.host, HostProcess)
        before.host.stop(change.signal)
    with product_on(storage, tmp_path, app=APPS / change.after, **settings) as after:
        status = after.done(life.run_id, patient(LATEST))
    ended = {name: status["items"][name] for name in life.moment.ends}
    assert ended == life.moment.ends
    assert (status["outcome"], status["redrive_count"]) == (life.moment.outcome, 1)
    assert status["take_overs"] == 0, "its orchestration did not go on: it was begun anew"
    life.insist_on_effects()
