"""A version that cannot replay the histories of the one before, shipped as docs/operations.md says.

On a task hub of its own it takes up each run from its rows and parts. On the same hub runs that go
on fail, which is why nobody is to ship it so.
"""

import signal
from pathlib import Path
from typing import Any

import pytest

from fanout.naming.functions import WATCHDOG
from tests.support.harms.hub_contents import instances
from tests.support.hosts.host_process import HostProcess
from tests.support.hosts.hosts import patient
from tests.support.hosts.product import Product, new_container
from tests.support.hosts.running_product import product_on
from tests.support.releases.moments import (
    FEW,
    MOMENTS,
    Life,
    Moment,
    has_entered,
    lives,
    parcels,
    versions_of,
)
from tests.support.releases.released_work import HELD, HOLDS
from tests.support.releases.watchdog_clock import ticking
from tests.support.workloads.errand_workloads import Journal

pytestmark = [pytest.mark.needs_restart, pytest.mark.needs_settings, pytest.mark.timeout(300)]
APPS = Path(__file__).parents[1] / "apps"
SOON, LATEST = 60, 150
NAMES = (
    "in a batch",
    "in the batches of many shards",
    "suspended",
    "while it undoes what it has done",
    "in a step of a saga",
    "while it waits for its turn",
)
BROKEN = "in a batch"


def begin(storage: str, folder: Path, names: tuple[str, ...], **settings: str) -> dict[str, Life]:
    """Have runs come to their moments on the version before, and end that."""
    runs = lives(folder, {name: MOMENTS[name] for name in names})
    with product_on(storage, folder, app=APPS / "earlier", **{HOLDS: "1"}, **settings) as before:
        for life in runs.values():
            life.start(before)
            life.reach(before, patient(SOON))
        end(before)
    return runs


def end(product: Product) -> None:
    """End the app as Azure does."""
    assert isinstance(product.host, HostProcess)
    product.host.stop(signal.SIGTERM)


def settings_of(names: tuple[str, ...]) -> dict[str, str]:
    return {
        "FANOUT_RUNS_CONTAINER": new_container("breaking"),
        "FANOUT_MAX_RUNS": str(max(1, len(names) - 1)),
        "FANOUT_LEFT_BEHIND_SECONDS": "1",
    }


def another_hub(folder: Path) -> tuple[str, ...]:
    """The options of a host that knows nothing of the orchestrations of the one before."""
    return ("--data", str(folder / "another-hub"))


def insist_on_end(life: Life, status: dict[str, Any]) -> None:
    assert status["outcome"] == life.moment.outcome, status
    ended = {name: status["items"][name] for name in life.moment.ends}
    assert ended == life.moment.ends
    life.insist_on_effects()


def test_runs_go_on_from_their_rows_on_a_hub_of_the_new_versions_own(storage: str, tmp_path: Path):
    settings, hub = settings_of(NAMES), another_hub(tmp_path)
    runs = begin(storage, tmp_path, NAMES, **settings)
    with product_on(storage, tmp_path, app=APPS / "breaking", options=hub, **settings) as after:
        for life in runs.values():
            life.tell(after, life.moment.told[1])
        with ticking(after.host):
            statuses = {n: after.done(life.run_id, patient(LATEST)) for n, life in runs.items()}
        known = {one["instanceId"] for one in instances(after.host)}
        assert {life.run_id for life in runs.values()} <= known, "it is not another hub"
        for name, life in runs.items():
            insist_on_end(life, statuses[name])
            assert statuses[name]["take_overs"] == 0
        assert versions_of(after, runs[BROKEN].run_id) == {1, 2}, "what was done was done again"


@pytest.mark.needs_embedded
def test_an_open_run_rests_while_the_watchdog_is_off(storage: str, tmp_path: Path):
    # So nobody takes it up while an instance of the version before may be at work on it.
    settings, hub = settings_of((BROKEN,)), another_hub(tmp_path)
    (life,) = begin(storage, tmp_path, (BROKEN,), **settings).values()
    off = settings | {f"AzureWebJobs.{WATCHDOG}.Disabled": "true", "FANOUT_MAX_RUNS": "2"}
    with product_on(storage, tmp_path, app=APPS / "breaking", options=hub, **off) as between:
        assert between.host.get(f"/admin/functions/{WATCHDOG}").json["isDisabled"]
        other = Life(Moment(parcels(FEW)), Journal(tmp_path / "other.journal"))
        other.start(between)
        insist_on_end(other, between.done(other.run_id, patient(SOON)))
        assert life.run_id not in {one["instanceId"] for one in instances(between.host)}
        end(between)
    later = product_on(storage, tmp_path, app=APPS / "breaking", options=hub, **settings)
    with later as after, ticking(after.host):
        insist_on_end(life, after.done(life.run_id, patient(LATEST)))


def test_a_run_that_had_ended_can_be_redriven_on_another_hub(storage: str, tmp_path: Path):
    settings = settings_of(())
    bad = Moment(parcels(FEW, at_3={"is_bad": True}), {"tolerance": {"count": 1}})
    life = Life(bad, Journal(tmp_path / "ended.journal"))
    with product_on(storage, tmp_path, app=APPS / "earlier", **settings) as before:
        life.start(before)
        assert before.done(life.run_id, patient(SOON))["items"]["failed"] == 1
        end(before)
    hub = another_hub(tmp_path)
    with product_on(storage, tmp_path, app=APPS / "later", options=hub, **settings) as after:
        life.tell(after, "redrive")
        status = after.until(
            life.run_id, lambda s: s["redrive_count"] == 1 and s["phase"] == "done", patient(SOON)
        )
        assert (status["items"]["succeeded"], status["items"]["failed"]) == (FEW - 1, 1)
        life.insist_on_effects()


def test_a_run_goes_on_where_the_old_hub_is_taken_again(storage: str, tmp_path: Path):
    settings, hub = settings_of((BROKEN,)), another_hub(tmp_path)
    (life,) = begin(storage, tmp_path, (BROKEN,), **settings).values()
    holding = settings | {HOLDS: "1"}
    with product_on(storage, tmp_path, app=APPS / "breaking", options=hub, **holding) as between:
        is_held_again = has_entered(HELD, 2)
        with ticking(between.host):
            between.until(life.run_id, lambda s: is_held_again(s, life.journal), patient(LATEST))
        end(between)
    later = product_on(storage, tmp_path, app=APPS / "later", **settings)
    with later as after, ticking(after.host):
        insist_on_end(life, after.done(life.run_id, patient(LATEST)))


def test_on_the_same_hub_a_run_fails_and_is_begun_anew(storage: str, tmp_path: Path):
    settings = settings_of((BROKEN,))
    (life,) = begin(storage, tmp_path, (BROKEN,), **settings).values()
    with product_on(storage, tmp_path, app=APPS / "breaking", **settings) as after:
        with ticking(after.host):
            status = after.done(life.run_id, patient(LATEST))
        insist_on_end(life, status)
        assert status["take_overs"] > 0
