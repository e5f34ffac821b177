"""Maps whose host and workers are killed all the time: each item ends once, each effect is one."""

import json
import random
import time
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from azure.storage.blob import BlobServiceClient

from fanout.adapters.blob import API_VERSION
from fanout.models.outcome import Outcome
from tests.support.harms.killings import Killings
from tests.support.hosts.host_process import HostProcess
from tests.support.replays.local_runs import lines
from tests.support.workloads.ledger_workload import MAX_ATTEMPTS, Ledger, fate_of

APP = Path(__file__).parent / "apps" / "ledger"
ITEMS = 20_000
BATCH_ITEMS = 100
SETTLE_SECONDS = 300
FATES = {item: fate_of(item) for item in range(ITEMS)}
PERMANENT = {item for item, fate in FATES.items() if fate.is_permanent}
RETRY = {
    "max_attempts": MAX_ATTEMPTS,
    "base_seconds": 0.1,
    "factor": 1.5,
    "max_seconds": 0.3,
    "jitter_seconds": 0.1,
}


@dataclass
class Scene:
    """A ledger, a blob of items, and hosts that do not live long."""

    killings: Killings
    ledger: Ledger
    path: Path
    container: str
    begun: bool = False

    def request(self, run_id: str, **more: Any) -> dict[str, Any]:
        return {
            "workload": "ledger",
            "run_id": run_id,
            "source": {"kind": "jsonl", "container": self.container, "blob": "items.jsonl"},
            "parameters": {"path": str(self.path)},
            "batch": {"max_items": BATCH_ITEMS},
            "concurrency": {"batches": 24},
            "retry": RETRY,
        } | more

    def post(self, path: str, body: Any) -> None:
        with self.killings.calm() as host:
            answer = host.request("POST", path, json.dumps(body).encode())
            assert answer.status == 202, answer.body

    def through(self, run_id: str, seconds: float, redrives: int = 0) -> dict[str, Any]:
        """Kill for so long, then let the run come to its end."""

        def is_done(host: HostProcess) -> bool:
            answer = host.get(f"/api/runs/{run_id}")
            if answer.status != 200:  # the worker that had the question was killed
                return False
            return bool(answer.json["phase"] == "done" and answer.json["redrive_count"] == redrives)

        before = self.killings.hosts
        self.killings.until(is_done, seconds)
        assert self.killings.hosts - before >= 2, "the run was over too soon; make it longer"
        with self.killings.calm() as host:
            deadline = time.monotonic() + SETTLE_SECONDS
            while not is_done(host):
                assert time.monotonic() < deadline, f"it is stuck:\n{host.log}"
                time.sleep(0.05)
            return dict(host.get(f"/api/runs/{run_id}").json)

    def outcomes(self, run_id: str) -> list[Outcome]:
        with self.killings.calm() as host:
            listed = host.get(f"/api/runs/{run_id}/results").json["files"]
            names = [f["name"] for f in listed if not f["name"].startswith("DEAD-LETTERS")]
            return [
                outcome
                for name in names
                for outcome in lines(host.get(f"/api/runs/{run_id}/results/{name}").body)
            ]


@pytest.fixture
def scene(storage: str, tmp_path: Path, torn: tuple[str, ...]) -> Iterator[Scene]:
    seed = random.randrange(2**32)
    print(f"seed {seed}")
    container = f"chaos-{seed}"
    blobs = BlobServiceClient.from_connection_string(storage, api_version=API_VERSION)
    items = b"".join(b'{"id":%d}\n' % item for item in range(ITEMS))
    blobs.create_container(container).upload_blob("items.jsonl", items)
    environment = {
        "FANOUT_STORAGE": storage,
        "FANOUT_SOURCE_CONTAINERS": "*",
        "FANOUT_RUNS_CONTAINER": "map-chaos",
        "FANOUT_LOG_LEVEL": "ERROR",
    }
    path = tmp_path / "ledger.db"
    ledger = Ledger.create(path)
    killings = Killings(APP, tmp_path, environment, random.Random(seed))
    killings.options += torn
    yield Scene(killings, ledger, path, container)
    ledger.close()


def by_item(outcomes: list[Outcome]) -> dict[int, Outcome]:
    """Outcomes by item, each of which has exactly one; pending ones may share a line."""
    found = [
        (index, outcome)
        for outcome in outcomes
        for index in range(outcome.index, outcome.index + outcome.count)
    ]
    assert sorted(index for index, _ in found) == list(range(ITEMS))
    assert all(o.item_id == str(o.index) for o in outcomes)
    assert all(o.count == 1 or (o.status, o.attempts) == ("pending", 0) for o in outcomes)
    return dict(found)


def reconcile(status: dict[str, Any], found: dict[int, Outcome]) -> None:
    """The counts of the status, of the files, and of all items are the same."""
    items = dict(status["items"])
    assert items.pop("total") == sum(items.values()) == ITEMS
    assert {name: n for name, n in items.items() if n} == Counter(o.status for o in found.values())


def keys(run_id: str, items: set[int], step: str = "process") -> list[tuple[str, int]]:
    return [(f"{run_id}/{item}/{step}", item) for item in sorted(items)]


@pytest.mark.chaos
@pytest.mark.timeout(900)
def test_every_item_ends_once_and_has_one_effect_whatever_is_killed(
    scene: Scene, chaos_seconds: float
):
    everything = set(range(ITEMS))
    scene.post("/api/runs", scene.request("map-killed", tolerance={"percentage": 5}))
    status = scene.through("map-killed", chaos_seconds)
    found = by_item(scene.outcomes("map-killed"))
    reconcile(status, found)
    assert status["outcome"] == "partially_succeeded"
    assert {item for item, o in found.items() if o.status == "failed"} == PERMANENT
    assert {item: o.attempts for item, o in found.items()} == {
        item: fate.attempts for item, fate in FATES.items()
    }
    assert scene.ledger.rows("effects") == keys("map-killed", everything - PERMANENT)
    made, effective = scene.ledger.calls("effects")
    assert made > effective == ITEMS - len(PERMANENT)

    scene.ledger.end_faults()
    scene.killings.every_seconds = (0.1, 0.6)
    scene.post("/api/runs/map-killed/redrive", {"retry": RETRY | {"max_attempts": 2}})
    status = scene.through("map-killed", chaos_seconds / 2, redrives=1)
    found = by_item(scene.outcomes("map-killed"))
    reconcile(status, found)
    assert (status["outcome"], status["items"]["succeeded"]) == ("succeeded", ITEMS)
    assert scene.ledger.rows("effects") == keys("map-killed", everything)
    assert scene.ledger.calls("effects")[1] == ITEMS
    print(f"{scene.killings.hosts} hosts and {scene.killings.workers} workers were killed")


@pytest.mark.chaos
@pytest.mark.timeout(900)
def test_every_success_is_compensated_once_whatever_is_killed(scene: Scene, chaos_seconds: float):
    scene.killings.every_seconds = (0.3, 1.2)
    asked = scene.request(
        "undone",
        parameters={"path": str(scene.path), "may_be_ambiguous": False, "seconds": 0.002},
        tolerance={"percentage": 0.3},
        on_exceeded="compensate",
    )
    scene.post("/api/runs", asked)
    status = scene.through("undone", chaos_seconds)
    found = by_item(scene.outcomes("undone"))
    reconcile(status, found)
    assert (status["outcome"], status["items"]["succeeded"]) == ("compensated", 0)
    undone = {item for item, o in found.items() if o.status == "compensated"}
    assert undone and not undone & PERMANENT
    assert {item for item, o in found.items() if o.status == "failed"} <= PERMANENT
    assert status["items"]["compensation_failed"] == 0
    assert scene.ledger.rows("effects") == keys("undone", undone)
    assert scene.ledger.rows("undone") == keys("undone", undone, "compensate")
    assert scene.ledger.calls("undone")[1] == len(undone)
    print(f"{scene.killings.hosts} hosts and {scene.killings.workers} workers were killed")
