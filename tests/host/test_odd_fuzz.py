"""Every odd failure and value in every place: each call ends, and the host stays as it was."""

import contextlib
import json
import random
import threading
import time
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from tests.support.harms.killings import children
from tests.support.hosts.host_process import Answer, HostProcess, running

APP = Path(__file__).parent / "apps" / "odd_app"
BASE = "/runtime/webhooks/durabletask"
# A call that has not ended by then has none.
HANG_SECONDS = 55
WAIT = f"timeout={HANG_SECONDS}&pollingInterval=1"
OF_EACH_ODDITY = 4
OF_EACH_PLACE = 3
AT_ONCE = 8
EXECUTORS = [("--workers", "2"), ("--workers", "0")]
ACTIVITIES = ("act", "act_async", "act_gather", "act_group")
ORCHESTRATORS = ("first", "later", "timer", "quick", "status", "again", "child")
RESPONSES = ("return", "body", "status", "header", "header name", "type", "cookie")
CLIENT = ("id", "input", "name", "event name", "event", "terminate", "suspend", "rewind", "signal")
NAMES = ("retry", "child id", "entity", "operation", "event", "http", "header", "yield")
# These are texts: an activity of such a name is one that the app does not have, and who calls one
# waits for ever, as in Azure.
NON_NAMES = ("set", "long integer", "bytes", "deep", "integer keys", "class", "equality fails")


@dataclass(frozen=True)
class Trial:
    """One oddity in one place: a call of an orchestrator, or of an HTTP function.

    Attributes:
        given: The input, or the body.
    """

    place: str
    oddity: str
    function: str
    given: Any
    is_web: bool = False
    must_fail: bool = False

    def run(self, host: HostProcess) -> None:
        """Make the call and see that it ends as it must."""
        answer = self._call(host)
        if self.is_web:
            assert answer.status != 202, (self, host.log[-3_000:])
            assert answer.status == 500 or not self.must_fail, (self, answer.status)
            return
        assert answer.status == 200, (self, answer.status, answer.body[:500], host.log[-3_000:])
        found = json.loads(answer.body, parse_int=str)  # of more digits than Python reads
        has_failed = isinstance(found, dict) and found.get("runtimeStatus")
        if self.must_fail:
            assert has_failed == "Failed", (self, answer.body[:500])
            assert found["output"].encode()

    def _call(self, host: HostProcess) -> Answer:
        if self.is_web:
            return host.request("POST", f"/api/{self.function}", json.dumps(self.given).encode())
        return host.post(f"{BASE}/orchestrators/{self.function}?{WAIT}", json.dumps(self.given))


def trials(host: HostProcess) -> Iterator[Trial]:
    """Everything in every place."""
    names = host.get("/api/oddities").json
    for error in names["errors"]:
        yield from _trials_of_error(error)
    for value in names["values"]:
        yield from _trials_of_value(value)


def _trials_of_error(error: str) -> Iterator[Trial]:
    ask = ["raise", error]
    for activity in ACTIVITIES:
        yield Trial(f"raise in {activity}", error, "calls", [activity, ask], must_fail=True)
    yield Trial("left behind", error, "calls", ["act_behind", ask])
    yield Trial("log error", error, "calls", ["act", ["log error", error]])
    for name in ORCHESTRATORS:
        yield Trial(f"raise in {name}", error, name, ask, must_fail=name != "child")
    yield Trial("raise in entity", error, "asks", ["raises", "raise", error], must_fail=True)
    for function in ("web", "web_async"):
        body = {"place": "return", "do": ask}
        yield Trial(f"raise in {function}", error, function, body, is_web=True, must_fail=True)


def _trials_of_value(value: str) -> Iterator[Trial]:
    ask = ["return", value]
    for activity in ACTIVITIES:
        yield Trial(f"return of {activity}", value, "calls", [activity, ask])
    yield Trial("log", value, "calls", ["act", ["log", value]])
    for name in (*ORCHESTRATORS, "inputs"):
        yield Trial(f"return of {name}", value, name, ask)
    for operation in ("state", "result"):
        yield Trial(operation, value, "asks", [f"{operation} {value}", operation, value])
    for place in NAMES if value != "none" else NAMES[:-1]:  # who yields nothing waits for ever
        yield Trial(f"name of {place}", value, "names", [place, value])
    for place in ("activity", "child") if value in NON_NAMES else ():
        yield Trial(f"name of {place}", value, "names", [place, value])
    for place in RESPONSES if value != "large" else ("body", "return"):  # of a size for headers
        yield Trial(f"response {place}", value, "web", {"place": place, "do": ask}, is_web=True)
    for place in CLIENT:
        body = {"place": place, "id": "waits", "do": ask}
        yield Trial(f"client {place}", value, "client", body, is_web=True)


def choose(every: Sequence[Trial], chance: random.Random) -> list[Trial]:
    """Choose some so that each oddity and each place is there, in pairs that vary."""
    order = chance.sample(every, len(every))
    oddities: Counter[str] = Counter()
    places: Counter[str] = Counter()
    chosen = []
    for trial in order:
        if oddities[trial.oddity] < OF_EACH_ODDITY or places[trial.place] < OF_EACH_PLACE:
            chosen.append(trial)
            oddities[trial.oddity] += 1
            places[trial.place] += 1
    return chosen


def make_good_calls(host: HostProcess) -> None:
    """See that a good call of each kind succeeds."""
    for activity in ("same", "same_async"):
        path = f"{BASE}/orchestrators/calls?{WAIT}"
        assert host.post(path, json.dumps([activity, "good"])).json == "good"
    counted = host.post(f"{BASE}/orchestrators/asks?{WAIT}", json.dumps(["counts", "add", None]))
    assert isinstance(counted.json, int)
    for function in ("web", "web_async"):
        body = json.dumps({"place": "body", "value": "good"}).encode()
        assert host.request("POST", f"/api/{function}", body).body == b"good"
    started = host.post("/api/client", {"place": "input", "value": "good"})
    assert started.status == 200
    for timer in ("tick", "tick_async"):
        assert host.run_timer(timer) == 202


@contextlib.contextmanager
def fuzzed_host(folder: Path, options: Iterable[str]) -> Iterator[HostProcess]:
    """Start a host whose standard output is read: what functions print would fill it up."""
    with running(APP, folder, "--no-stack", *options) as host:
        printed = host.process.stdout
        assert printed is not None
        reader = threading.Thread(target=lambda: [None for _ in printed], daemon=True)
        reader.start()
        yield host
        if host.process.poll() is None:
            host.stop()
        reader.join(timeout=30)


@dataclass(frozen=True)
class Census:
    """Which processes and threads there are."""

    processes: list[int]
    host_threads: int
    worker_threads: dict[int, int]

    @classmethod
    def take(cls, host: HostProcess) -> "Census":
        """Count those of a host."""
        workers = sorted(children(host.process.pid))
        return cls(workers, _thread_count(host.process.pid), {p: _thread_count(p) for p in workers})


def _thread_count(pid: int) -> int:
    return len(list(Path(f"/proc/{pid}/task").iterdir()))


def run_all(host: HostProcess, tried: Iterable[Trial]) -> None:
    """Run trials several at a time, and report every one that failed."""

    def attempt(trial: Trial) -> str | None:
        try:
            trial.run(host)
        except Exception as error:
            return f"{trial}: {type(error).__name__}: {str(error)[:2_000]}"
        return None

    with ThreadPoolExecutor(AT_ONCE) as pool:
        problems = [problem for problem in pool.map(attempt, tried) if problem]
    assert not problems, f"{len(problems)} problems:\n" + "\n".join(problems[:10])


def settle(host: HostProcess, before: Census) -> Census:
    """Count again; a thread that is about to end gets a moment for it."""
    deadline = time.monotonic() + 10
    while (now := Census.take(host)) != before and time.monotonic() < deadline:
        time.sleep(0.05)
    return now


def wait_until_none_is_open(host: HostProcess) -> list[Any]:
    """Wait for the orchestrations that good calls began a moment ago; return those left open."""
    deadline = time.monotonic() + 30
    while (left := _list_open(host)) and time.monotonic() < deadline:
        time.sleep(0.05)
    return left


def _list_open(host: HostProcess) -> list[Any]:
    shown = host.get(f"{BASE}/instances?runtimeStatus=Running,Pending&top=1000").json
    return [instance for instance in shown if not instance["instanceId"].startswith("@")]


@pytest.mark.timeout(300)
@pytest.mark.parametrize("options", EXECUTORS, ids=["workers", "in process"])
def test_whatever_user_code_raises_or_returns_costs_its_own_call_only(tmp_path, options):
    with fuzzed_host(tmp_path, options) as host:
        make_good_calls(host)
        before = Census.take(host)
        seed = random.randrange(2**32)
        print("seed", seed)
        run_all(host, choose(list(trials(host)), random.Random(seed)))
        make_good_calls(host)
        assert settle(host, before) == before
        assert host.process.poll() is None
        assert "CRITICAL" not in host.log
        # Any time now it may be stopped, and the next one goes on where it was.
        assert host.stop() == 0
    with fuzzed_host(tmp_path, options) as host:
        make_good_calls(host)
        assert wait_until_none_is_open(host) == []


@pytest.mark.chaos
@pytest.mark.timeout(900)
@pytest.mark.parametrize("options", EXECUTORS, ids=["workers", "in process"])
def test_any_mixture_of_oddities_leaves_the_host_as_it_was(tmp_path, options, chaos_seconds):
    seed = random.randrange(2**32)
    print("seed", seed)
    chance = random.Random(seed)
    with fuzzed_host(tmp_path, options) as host:
        make_good_calls(host)
        before = Census.take(host)
        every = list(trials(host))
        ends = time.monotonic() + chaos_seconds / len(EXECUTORS)
        while time.monotonic() < ends:
            # None twice: of two at once, one may take the place of the other.
            run_all(host, chance.sample(every, k=100))
            make_good_calls(host)
        assert settle(host, before) == before
