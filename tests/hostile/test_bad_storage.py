"""Storage that gives bad answers for a while: every run ends right, or is so once redriven.

By `make chaos` each kind of bad answer is given for a minute; else all of them for some seconds.
"""

import contextlib
import json
import random
import threading
import time
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from tests.support.hostile.forms import any_seed
from tests.support.hostile.run_kinds import RETRY, Kind, World
from tests.support.hostile.storage_proxy import (
    BLOBS,
    BRIEF,
    SLOW,
    TABLES,
    Trouble,
    bad_storage,
)
from tests.support.hosts.fanout_bus import FanoutBus
from tests.support.hosts.host_process import REPOSITORY, Answer, HostProcess
from tests.support.hosts.hosts import chosen, patient
from tests.support.hosts.product import client_of, new_inbox
from tests.support.services.receiver import receiving
from tests.support.workloads.ledger_workload import Ledger

APP = REPOSITORY / "tests" / "hostile" / "apps" / "kinds"
# From here on each kind of bad answer has a round of its own.
LONG_SECONDS = 30.0
ROUND_SECONDS = 60.0
SHORT_SECONDS = 2.0
LATEST_ANSWER_SECONDS = 30.0
SETTLE_SECONDS = 240.0
MOST_REDRIVES = 4
CALLERS = 4
# Shares of requests that get a bad answer, and whose requests, drawn again and again.
HARD = [(0.25, (BLOBS, TABLES)), (0.6, (BLOBS, TABLES))]
SPELLS = [
    *HARD,
    (0.05, (BLOBS, TABLES)),
    (1.0, (BLOBS,)),
    (1.0, (TABLES,)),
    (0.0, ()),
]
STATUSES = {200, 202, 204, 404, 409, 503}


@dataclass
class Caller:
    """Asks a host as callers do, and insists on an answer in time that is no fault."""

    host: HostProcess
    answers: Counter[int] = field(default_factory=Counter)
    slowest: float = 0.0

    def ask(self, method: str, path: str, body: Any = None) -> Answer:
        data = None if body is None else json.dumps(body).encode()
        begun = time.monotonic()
        try:
            answer = self.host.request(method, path, data)
        except TimeoutError as error:
            raise AssertionError(
                f"{method} {path} is not answered: {self.host.log[-4000:]}"
            ) from error
        seconds = time.monotonic() - begun
        self.slowest = max(self.slowest, seconds)
        told = f"{method} {path}: {answer.status} after {seconds:.1f} s: {answer.body[:500]!r}"
        assert seconds < patient(LATEST_ANSWER_SECONDS), told
        assert answer.status in STATUSES, f"{told}\n{self.host.log[-8000:]}"
        assert answer.status != 503 or answer.header("retry-after"), told
        self.answers[answer.status] += 1
        return answer

    def insist(self, method: str, path: str, body: Any = None) -> Answer:
        """Ask again, as clients do, what is answered by 503."""
        deadline = time.monotonic() + patient(SETTLE_SECONDS)
        while (answer := self.ask(method, path, body)).status == 503:
            assert time.monotonic() < deadline, self.host.log[-4000:]
            time.sleep(0.5)
        return answer


@dataclass(frozen=True)
class Run:
    """A run, its kind, and whether callers may cancel and delete it."""

    run_id: str
    kind: Kind
    is_victim: bool

    @property
    def path(self) -> str:
        return f"/api/runs/{self.run_id}"


class Scene:
    """A host on bad storage, the runs on it, and who asks for them meanwhile."""

    def __init__(self, caller: Caller, world: World, trouble: Trouble, seed: int) -> None:
        self.caller, self.world, self.trouble, self.seed = caller, world, trouble, seed
        self.chance = random.Random(seed)
        self.runs: list[Run] = []
        self.redriven = Counter[str]()

    def start(self, seconds: float) -> None:
        """Start a run of each kind, and some that nobody may rely on, at random moments."""
        begun = time.monotonic()
        names = [(name, False) for name in self.world.kinds] + [("ledger", True)]
        moments = sorted(self.chance.uniform(0, seconds / 2) for _ in names)
        self.chance.shuffle(names)
        for (name, is_victim), moment in zip(names, moments, strict=True):
            time.sleep(max(0.0, begun + moment - time.monotonic()))
            self._start(name, is_victim)

    def _start(self, name: str, is_victim: bool) -> None:
        number = len(self.runs)
        run = Run(f"bad-{self.seed}-{number}", self.world.kinds[name], is_victim)
        shared = {"workload": name, "run_id": run.run_id, "retry": RETRY}
        more = {"tolerance": {"percentage": 100}}
        asked = shared | more | run.kind.request(run.run_id, number)
        self.runs.append(run)
        answer = self.caller.insist("POST", "/api/runs", asked)
        assert answer.status in (200, 202), answer.body

    def disturb(self, is_over: threading.Event, chance: random.Random) -> None:
        """Ask for this and that until it is over."""
        while not is_over.wait(chance.uniform(0.02, 0.4)):
            run = chance.choice(self.runs) if self.runs else None
            paths = ["/api/health", "/api/runs?limit=5"]
            if run is not None:
                paths += [run.path] * 4 + [f"{run.path}/{part}" for part in ("items", "results")]
                self._steer(run, chance)
            self.caller.ask("GET", chance.choice(paths))

    def _steer(self, run: Run, chance: random.Random) -> None:
        draw = chance.random()
        if draw < 0.1:
            self.caller.ask("POST", f"{run.path}/redrive", {})
        elif draw < 0.15:
            self.caller.ask("PATCH", run.path, {"concurrency": {"batches": chance.randint(1, 8)}})
        elif run.is_victim and draw < 0.25:
            self.caller.ask("POST", f"{run.path}/cancel")
        elif run.is_victim and draw < 0.3:
            self.caller.ask("DELETE", run.path)

    def change_spells(self, answers: tuple[str, ...], seconds: float) -> None:
        """Give bad answers of these kinds for so long, at places that are drawn."""
        self.trouble.answers = answers
        ends = time.monotonic() + seconds
        while (left := ends - time.monotonic()) > 0:
            spells = SPELLS if seconds > SHORT_SECONDS else HARD
            self.trouble.share, self.trouble.places = self.chance.choice(spells)
            time.sleep(min(left, self.chance.uniform(0.5, max(1.0, seconds / 8))))
        self.trouble.share = 0.0

    def go_through(self, answers: tuple[str, ...], seconds: float) -> None:
        """Start runs while storage gives such answers, and insist on their ends afterwards."""
        first, is_over = len(self.runs), threading.Event()
        with ThreadPoolExecutor(CALLERS + 2) as pool:
            work = [pool.submit(self.change_spells, answers, seconds)]
            work += [pool.submit(self.start, seconds)]
            others = [random.Random(self.chance.random()) for _ in range(CALLERS)]
            talk = [pool.submit(self.disturb, is_over, other) for other in others]
            try:
                for each in work:
                    each.result()
            finally:
                self.trouble.share = 0.0
                is_over.set()
            for each in talk:
                each.result()
        for run in self.runs[first:]:
            self.insist_on(run)
        self.world.insist_on_conservation()

    def insist_on(self, run: Run) -> None:
        """A run ends right, if it is redriven as often as it fails by name."""
        status = self.until_over(run)
        if run.is_victim:
            assert self.caller.insist("DELETE", run.path).status in (204, 404)
            assert self.caller.ask("GET", run.path).status == 404
            return
        assert status is not None, f"{run} is gone"
        while not is_right(status, run.kind):
            assert status["error"] or status["errors"], f"it failed for no reason: {status}"
            self.redriven[run.run_id] += 1
            assert self.redriven[run.run_id] <= MOST_REDRIVES, status
            answer = self.caller.insist("POST", f"{run.path}/redrive", {})
            told = f"{answer.body!r}\n{status['error']}\n{status['items']}"
            assert answer.status == 202 or b"running" in answer.body, told
            status = self.until_over(run)
            assert status is not None
        run.kind.check(run.run_id, Files(self.caller, run))

    def until_over(self, run: Run) -> dict[str, Any] | None:
        """The status of a run that has ended; None if it is deleted."""
        deadline = time.monotonic() + patient(SETTLE_SECONDS)
        while (answer := self.caller.insist("GET", run.path)).status == 200:
            if answer.json["phase"] == "done":
                return dict(answer.json)
            told = f"it is stuck: {answer.body!r}\n{self.caller.host.log[-4000:]}"
            assert time.monotonic() < deadline, told
            time.sleep(0.2)
        return None


@dataclass(frozen=True)
class Files:
    """The result files of a run."""

    caller: Caller
    run: Run

    def file(self, name: str) -> bytes:
        answer = self.caller.ask("GET", f"{self.run.path}/results/{name}")
        assert answer.status == 200, (name, answer.body)
        return answer.body

    def outcomes(self) -> list[dict[str, Any]]:
        listed = self.caller.ask("GET", f"{self.run.path}/results").json["files"]
        names = [file["name"] for file in listed if file["name"].endswith(".jsonl")]
        told = [name for name in names if not name.startswith("DEAD-LETTERS")]
        return [json.loads(line) for name in told for line in self.file(name).splitlines()]


def is_right(status: dict[str, Any], kind: Kind) -> bool:
    """Whether every item has an end that leaves nothing to do."""
    items = status["items"]
    is_ended = items["total"] == kind.items and not items["pending"]
    return bool(is_ended and status["outcome"] in ("succeeded", "partially_succeeded"))


@contextlib.contextmanager
def scene_on(storage: str, folder: Path, seed: int) -> Iterator[Scene]:
    """The scene, on a host whose storage is behind a proxy."""
    trouble, path = Trouble(random.Random(seed)), folder / "ledger.db"
    with contextlib.ExitStack() as stack:
        ledger = Ledger.create(path)
        stack.callback(ledger.close)
        bus = FanoutBus(folder / "bus")
        stack.callback(bus.close)
        receiver = stack.enter_context(receiving())
        inbox = new_inbox(stack.enter_context(client_of(storage)))
        world = World(storage, inbox, (ledger, str(path)), receiver, random.Random(seed))
        environment = {
            "FANOUT_STORAGE": stack.enter_context(bad_storage(storage, trouble)),
            "AzureWebJobsStorage": storage,
            "FANOUT_SOURCE_CONTAINERS": "*",
            "FANOUT_RUNS_CONTAINER": f"bad-storage-{seed}",
            "FANOUT_SERVICE_BUS": bus.connection_string,
            "AzureWebJobs.start_runs.Disabled": "true",
            "FANOUT_WEBHOOK_SECRET": "of a test",
            "FANOUT_ALLOW_PRIVATE_WEBHOOKS": "true",
            "FANOUT_LOG_LEVEL": "ERROR",
        }
        starting = chosen().running(APP, folder, "--no-stack", environment=environment)
        host = stack.enter_context(starting)
        yield Scene(Caller(host), world, trouble, seed)


def rounds(chaos_seconds: float) -> list[tuple[tuple[str, ...], float]]:
    """Which bad answers are given for how long."""
    if chaos_seconds < LONG_SECONDS:
        return [(BRIEF, SHORT_SECONDS)]
    seconds = min(chaos_seconds, ROUND_SECONDS)
    return [(BRIEF, seconds), *(((answer,), seconds) for answer in (*BRIEF, *SLOW))]


# So many bad answers are to be given in all, in so many more rounds at most.
ENOUGH = 5
MORE_ROUNDS = 3


@pytest.mark.chaos
@pytest.mark.needs_settings
@pytest.mark.timeout(5400)
def test_runs_end_right_or_redrivable_whatever_storage_answers(
    storage: str, tmp_path: Path, chaos_seconds: float
):
    seed = any_seed()
    with scene_on(storage, tmp_path, seed) as scene:
        for answers, seconds in rounds(chaos_seconds):
            begun = time.monotonic()
            scene.go_through(answers, seconds)
            print(f"{answers}: {time.monotonic() - begun:.0f} s", flush=True)
        # A slow machine asks storage for little in a short time.
        for _ in range(MORE_ROUNDS):
            if scene.trouble.given.total() <= ENOUGH:
                scene.go_through(answers, seconds)
        assert scene.trouble.given.total() > ENOUGH
        print(f"{scene.trouble.given}; answers {scene.caller.answers}")
        print(f"slowest answer: {scene.caller.slowest:.1f} s; redriven: {scene.redriven}")
