"""Random runs through the real orchestrators: every item is accounted for, always."""

import asyncio
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any, ClassVar

import pytest
from hypothesis import HealthCheck, event, example, given, settings
from hypothesis import strategies as st

from fanout.adapters.run_files.part_reader import has_redo
from fanout.governor.run_state import GovernorState
from fanout.messages.run import RunEnd
from fanout.models.outcome import Outcome
from fanout.models.plan import Reopening
from fanout.models.redrive import RedriveRequest
from fanout.models.request import RunRequest
from fanout.policies import is_exceeded
from fanout.workload import Context, NoParameters
from tests.support.replays.dying_runs import Listener, run_dying
from tests.support.replays.local_hub import LocalHub, local_hub
from tests.support.replays.local_runs import inline
from tests.support.workloads.probe_workloads import Probe, ProbeItem
from workloads import registry

# The embedded engine within this process: no host is asked.
pytestmark = pytest.mark.needs_embedded
NEVER_MORE = {"permanent": "PermanentError", "no-json": "OutputError"}
NEVER_WELL = {
    "transient": "TransientError",
    "crash": "ZeroDivisionError",
    "no-id": "KeyError",
    "validator-crash": "LookupError",
}
BEFORE_PROCESS = {"no-id", "validator-crash"}
AT_ONCE = {"base_seconds": 0, "factor": 1, "max_seconds": 0, "jitter_seconds": 0}


class Watched(Probe):
    """Notes every call, by run, step and item."""

    name: ClassVar[str] = "watched"
    calls: ClassVar[Counter[tuple[str, str, int]]] = Counter()
    on_call: ClassVar[Callable[[], object]] = staticmethod(lambda: None)

    def process(self, item: ProbeItem, context: Context[NoParameters]) -> Any:
        self.calls[context.run_id, "process", int(item.id)] += 1
        self.on_call()
        return super().process(item, context)

    def compensate(self, item: ProbeItem, output: Any, context: Context[NoParameters]) -> None:
        self.calls[context.run_id, "compensate", int(item.id)] += 1
        self.on_call()
        super().compensate(item, output, context)


registry.register(Watched())


@dataclass(frozen=True)
class Fate:
    """What becomes of an item that is tried to its end."""

    status: str
    attempts: int
    error: str | None = None


def fate_of(item: dict[str, Any], most: int) -> Fate:
    """Tell how an item fares under a policy of so many attempts."""
    if "odd" in item:
        return Fate("failed", 1, "ItemValidationError")
    ending, good = item.get("ending", "ok"), item.get("good", 1)
    if ending in BEFORE_PROCESS:
        return Fate("failed", most, NEVER_WELL[ending])
    if good > most:
        return Fate("failed", most, "TransientError")
    if ending in NEVER_MORE:
        return Fate("failed", good, NEVER_MORE[ending])
    if ending in NEVER_WELL:
        return Fate("failed", most, NEVER_WELL[ending])
    return Fate("succeeded", good)


def undone(item: dict[str, Any], most: int) -> Fate:
    """Tell how the compensation of an item fares, and how many calls it takes."""
    if item.get("undo_good", 1) > most:
        return Fate("compensation_failed", most)
    failed = item.get("undo", "ok") == "permanent"
    return Fate("compensation_failed" if failed else "compensated", item.get("undo_good", 1))


endings = st.sampled_from(["ok"] * 12 + [*NEVER_MORE, *NEVER_WELL])
items = st.fixed_dictionaries(
    {"ending": endings},
    optional={
        "good": st.integers(1, 4),
        "undo": st.sampled_from(["ok", "permanent"]),
        "undo_good": st.integers(1, 4),
    },
) | st.just({"odd": 1})
policies = st.builds(lambda most: AT_ONCE | {"max_attempts": most}, st.integers(1, 4))
tolerances = st.fixed_dictionaries(
    {}, optional={"count": st.integers(0, 6), "percentage": st.sampled_from([0, 5, 25, 50, 100])}
)
concurrencies = st.fixed_dictionaries({"batches": st.sampled_from([1, 2, 5, 16, 17, 40])})
requests = st.fixed_dictionaries(
    {
        "retry": policies,
        "tolerance": tolerances,
        "concurrency": concurrencies,
        "on_exceeded": st.sampled_from(["stop", "continue", "compensate"]),
        "batch": st.none() | st.builds(lambda n: {"max_items": n}, st.integers(1, 7)),
    },
    optional={"max_items": st.integers(1, 50)},
)
redrives = st.fixed_dictionaries(
    {},
    optional={
        "retry": policies,
        "tolerance": tolerances,
        "concurrency": concurrencies,
        "error_types": st.lists(
            st.sampled_from(sorted({*NEVER_MORE.values(), *NEVER_WELL.values()})),
            min_size=1,
            unique=True,
        ),
    },
)


# What has a dead letter.
GIVEN_UP = ("failed", "compensation_failed")


@dataclass
class Followed:
    """A run, followed from attempt to attempt.

    Attributes:
        items: What it runs over.
        own: What the run itself was asked for; each redrive is over that.
        request: As the newest attempt carries it out.
        before: The outcome of each item before the newest attempt.
    """

    local: LocalHub
    run_id: str
    items: list[dict[str, Any]]
    own: RunRequest
    request: RunRequest
    attempt: int = 1
    before: dict[int, Outcome] = field(default_factory=dict)
    reopened: set[int] = field(default_factory=set)

    def check(self, end: RunEnd) -> dict[int, Outcome]:
        """Check everything that must hold at the end of an attempt; gives the outcomes."""
        found = self._one_state_each()
        counts = Counter(outcome.status for outcome in found.values())
        state = self._rows_before_its_end()
        self._same_counts(end, state, counts)
        self._within_policy(found, state)
        self._as_the_items_say(found, state)
        assert end.outcome == self._outcome(state, counts)
        letters = self.local.dead_letters(self.run_id)
        assert letters == Counter(i for i, o in found.items() if o.status in GIVEN_UP)
        event(f"{end.outcome} in attempt {min(self.attempt, 2)}")
        return found

    @property
    def _most(self) -> int:
        return self.request.retry.max_attempts

    def _one_state_each(self) -> dict[int, Outcome]:
        outcomes = self.local.outcomes(self.run_id)
        found = [(i, o) for o in outcomes for i in range(o.index, o.index + o.count)]
        assert sorted(index for index, _ in found) == list(range(len(self.items)))
        return dict(found)

    def _rows_before_its_end(self) -> GovernorState:
        """What the rows had counted themselves: the end has the counts of the parts."""
        state = self.local.governor(self.run_id, self.attempt)
        assert state.is_over
        return state.model_copy(update={"run": state.run.model_copy(update={"end": None})})

    def _same_counts(self, end: RunEnd, state: GovernorState, counts: Counter[str]) -> None:
        told = end.items.model_dump()
        assert told.pop("total") == sum(counts.values()) == len(self.items)
        assert {status: n for status, n in told.items() if n} == counts
        manifest = self.local.manifest(self.run_id)
        assert manifest.items == end.items
        assert state.items == end.items
        lost = [state.counts(stage).lost_batches for stage in ("process", "compensate")]
        assert (manifest.outcome, lost) == (end.outcome, [0, 0])
        listed = Counter[str]()
        for file in manifest.files:
            listed[file.name.rsplit("-", 1)[0].lower()] += file.count or 0
        assert listed.pop("dead-letters", 0) == sum(counts[status] for status in GIVEN_UP)
        assert listed == counts
        if not state.has_exceeded:
            assert state.partitions.done == state.partitions.total

    def _within_policy(self, found: dict[int, Outcome], state: GovernorState) -> None:
        calls = {(s, i): n for (run, s, i), n in Watched.calls.items() if run == self.run_id}
        assert all(n <= self._most for n in calls.values())
        for index, outcome in found.items():
            item, tried = self.items[index], calls.get(("process", index), 0)
            if index not in self.reopened:
                assert tried == 0
            elif outcome.status == "pending":
                assert state.has_exceeded and tried in (0, outcome.attempts)
            elif "odd" not in item and item.get("ending") not in BEFORE_PROCESS:
                assert tried == outcome.attempts

    def _as_the_items_say(self, found: dict[int, Outcome], state: GovernorState) -> None:
        is_undone = state.has_exceeded and self.request.on_exceeded == "compensate"
        for index, outcome in found.items():
            if index not in self.reopened:
                assert outcome == self.before[index]
                continue
            wanted = fate_of(self.items[index], self._most)
            if outcome.status == "pending":
                assert state.has_exceeded
                continue
            assert outcome.attempts == wanted.attempts
            calls = Watched.calls[self.run_id, "compensate", index]
            if wanted.status == "succeeded" and is_undone:
                undo = undone(self.items[index], self._most)
                assert (outcome.status, calls) == (undo.status, undo.attempts)
            else:
                assert (outcome.status, calls) == (wanted.status, 0)
                assert (outcome.error and outcome.error.type) == wanted.error

    def _outcome(self, state: GovernorState, counts: Counter[str]) -> str:
        exceeded = is_exceeded(self.request.tolerance, counts["failed"], len(self.items))
        assert state.has_exceeded == (exceeded and self.request.on_exceeded != "continue")
        if exceeded:
            return "compensated" if self.request.on_exceeded == "compensate" else "failed"
        return "partially_succeeded" if counts["failed"] else "succeeded"


@dataclass
class Studio:
    """An engine that carries out one random run after the other."""

    runner: asyncio.Runner
    local: LocalHub
    runs: int = 0

    def follow(
        self, wanted: list[dict[str, Any]], asked: dict[str, Any], deaths: list[int]
    ) -> Followed:
        self.runs += 1
        numbered = [{"id": number} | item for number, item in enumerate(wanted)]
        request = inline(numbered, Watched.name, **asked)
        kept = numbered[: request.max_items] if request.max_items else numbered
        run = Followed(self.local, f"run-{self.runs}", kept, request, request)
        run.reopened = set(range(len(kept)))
        self._forget()
        going = run_dying(self.local, run.run_id, request, deaths, self._listen)
        run.before = run.check(self.runner.run(going))
        return run

    def _listen(self, listener: Listener) -> None:
        Watched.on_call = staticmethod(listener)

    def redrive(self, run: Followed, asked: dict[str, Any]) -> None:
        redrive = RedriveRequest.model_validate(asked)
        reopened = {i for i, o in run.before.items() if _is_open(o, redrive.error_types)}
        asked_for = Reopening(error_types=redrive.error_types)
        has_work = has_redo(self.local.files, run.run_id, run.attempt, asked_for)
        assert has_work == bool(reopened)
        if not has_work:
            return
        self._forget()
        run.attempt += 1
        run.request = redrive.apply_to(run.own)
        run.reopened = reopened
        end = self.runner.run(self.local.redrive(run.run_id, run.attempt, **asked))
        run.before = run.check(end)

    def _forget(self) -> None:
        Watched.calls.clear()
        self.local.durable.executor.calls.clear()


def _is_open(outcome: Outcome, error_types: list[str] | None) -> bool:
    if outcome.status != "failed":
        return outcome.status == "pending"
    assert outcome.error is not None
    return error_types is None or outcome.error.type in error_types


@pytest.fixture(scope="module")
def studio(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Studio]:
    path = tmp_path_factory.mktemp("studio") / "hub.db"
    with asyncio.Runner() as runner:
        engine = local_hub(path)
        yield Studio(runner, runner.run(engine.__aenter__()))
        runner.run(engine.__aexit__(None, None, None))


@settings(suppress_health_check=[HealthCheck.too_slow])
@example(
    wanted=[{"ending": "ok", "good": 1, "undo_good": 2}, {"odd": 1}],
    asked={
        "retry": AT_ONCE | {"max_attempts": 1},
        "tolerance": {},
        "concurrency": {"batches": 1},
        "on_exceeded": "compensate",
        "batch": None,
    },
    again=[],
    deaths=[],
)
@example(
    wanted=[{"odd": 1}, {"ending": "permanent"}, {"odd": 1}],
    asked={
        "retry": AT_ONCE | {"max_attempts": 1},
        "tolerance": {},
        "concurrency": {"batches": 5},
        "on_exceeded": "stop",
        "batch": None,
    },
    again=[
        {"concurrency": {"batches": 1}},
        {"error_types": ["KeyError"], "concurrency": {"batches": 1}},
    ],
    deaths=[2],
)
@given(
    wanted=st.lists(items, max_size=45),
    deaths=st.lists(st.integers(1, 60), max_size=2),
    asked=requests,
    again=st.lists(redrives, max_size=2),
)
def test_every_item_is_accounted_for(
    studio: Studio,
    wanted: list[Any],
    deaths: list[int],
    asked: dict[str, Any],
    again: list[dict[str, Any]],
):
    run = studio.follow(wanted, asked, deaths)
    if asked["on_exceeded"] == "compensate":
        return
    for redrive in again:
        studio.redrive(run, redrive)
