"""One unfinished orchestration instance as it lives in memory."""

import asyncio
import copy
import json
from collections import deque
from collections.abc import Callable, Iterable
from dataclasses import dataclass

from localhost.durable.errors import InstanceFinishedError
from localhost.durable.protocol import events
from localhost.durable.protocol.actions import Outcome
from localhost.durable.state.tasks import Execution, Task
from localhost.durable.storage import payloads

# While it is unclear whether a completion lets an orchestrator move, the next replay waits as long
# as the last one took, so that replays take at most half of the time; but never longer than this.
_LONGEST_PATIENCE_SECONDS = 0.25

_SCHEMA_FIELDS = {1: '"upperSchemaVersion":0', 2: '"upperSchemaVersion":1'}
_SCHEMA_NEWEST = '"upperSchemaVersion":1,"upperSchemaVersionNew":2'


@dataclass(frozen=True, slots=True)
class Parent:
    """Who waits for an instance."""

    instance_id: str
    execution_id: str
    task: int


@dataclass(frozen=True, slots=True)
class Identity:
    """What never changes about an instance."""

    id: str
    name: str
    version: str | None
    created_at: str
    parent: Parent | None = None
    trace_parent: str | None = None


@dataclass(frozen=True, slots=True)
class Arrival:
    """A completion that waits for the next turn."""

    seq: int
    task: Task
    event: str


@dataclass(frozen=True, slots=True)
class ExternalEvent:
    """A raised event that waits for the next turn with a replay."""

    seq: int
    name: str
    event: str


@dataclass(frozen=True, slots=True)
class EarlyCompletion:
    """A completion of a task that is not asked for yet: the turn that asked for it was torn."""

    seq: int
    number: int
    event: str
    failed: bool


@dataclass(frozen=True, slots=True, eq=False)
class HeldInput:
    """What a torn turn was handed, until it is handed over again (see `engine.tearing`).

    Attributes:
        is_rewound: Whether it is the turn that a rewind asks for, whatever has arrived.
    """

    execution: Execution
    arrivals: list[Arrival]
    events: list[ExternalEvent]
    is_rewound: bool


@dataclass(frozen=True, slots=True)
class Control:
    """A change of state asked for from outside, made between two turns."""

    apply: Callable[[], None]
    future: asyncio.Future[None]


class Instance:
    """State and inbox of an instance; the engine decides when it takes a turn.

    Attributes:
        input_json: Its input as JSON text, or a marker for it.
        turns: Its history, one text of joined events for each turn.
        outcome: How user code ended, while open tasks still keep the instance running.
        arrivals: Completions that wait for a turn with a replay.
        silent: Completions that wait for one without.
        inbox_mark: The newest inbox row of completions it has taken in.
        is_busy: A turn is being worked out.
        must_replay: It was rewound or resumed, and takes a turn even if nothing has arrived.
        sent: When it last sent something to an entity, by the entity's id.
        generation: How many executions went before this one.
        early_completions: Completions of tasks that only torn turns have asked for.
        held_inputs: What torn turns were handed, and what is not to be delivered for now.
    """

    def __init__(self, identity: Identity, execution_id: str, input_json: str) -> None:
        self.identity = identity
        self.id = identity.id
        self.status = "Pending"
        self.custom_status: str | None = None
        self.is_suspended = False
        self.is_busy = False
        self.events: deque[ExternalEvent] = deque()
        self.controls: deque[Control] = deque()
        self.held_inputs: list[HeldInput] = []
        self.replay_seconds = 0.0
        self.replay_ended = 0.0
        self.generation = -1
        self.sent: dict[str, str] = {}
        self.reset(execution_id, input_json)

    def reset(self, execution_id: str, input_json: str) -> None:
        """Begin a new execution; external events that were not delivered stay."""
        self.generation += 1
        self.execution_id = execution_id
        self.input_json = input_json
        self.turns: list[str] = []
        self.execution = Execution()
        self.outcome: Outcome | None = None
        self.arrivals: list[Arrival] = []
        self.silent: list[Arrival] = []
        self.early_completions: list[EarlyCompletion] = []
        self.inbox_mark = -1
        self.must_replay = False

    def arrive(self, seq: int, number: int, event: str, *, failed: bool) -> bool:
        """Take in a completion; False if it is a duplicate or no longer wanted."""
        if number >= self.execution.next_number:
            self.early_completions.append(EarlyCompletion(seq, number, event, failed))
            return True
        task = self.execution.arrive(number, failed=failed)
        if task is None:
            return False
        self._queue(Arrival(seq, task, event))
        return True

    def _queue(self, arrival: Arrival) -> None:
        task = arrival.task
        is_silent = task.is_silent(failed=bool(task.arrived_failure))
        (self.silent if is_silent else self.arrivals).append(arrival)

    def take_early(self) -> None:
        """Take in the early completions of tasks that have been asked for by now."""
        completions, self.early_completions = self.early_completions, []
        for completion in completions:
            self.arrive(
                completion.seq, completion.number, completion.event, failed=completion.failed
            )

    def drop(self, task: Task) -> None:
        """Forget a completion that waits: its timer was cancelled after it had fired."""
        self.arrivals = [arrival for arrival in self.arrivals if arrival.task is not task]

    def take_silent(self) -> list[Arrival]:
        """Remove the completions that settle without user code noticing."""
        arrivals, self.silent = self.silent, []
        return arrivals

    def take_arrivals(self) -> list[Arrival]:
        """Remove the completions that user code notices."""
        arrivals, self.arrivals = self.arrivals, []
        return arrivals

    def take_events(self) -> list[ExternalEvent]:
        """Remove the external events, awaited or not, in the order of their arrival."""
        external_events = list(self.events)
        self.events.clear()
        return external_events

    def shadow(self) -> "Instance":
        """Make a copy for a turn whose state is lost: it leaves no trace on this one."""
        twin = copy.copy(self)
        twin.execution = copy.deepcopy(self.execution)
        return twin

    def hold(self, arrivals: list[Arrival], external_events: list[ExternalEvent]) -> HeldInput:
        """Keep back what a torn turn was handed; its rows stay in the inbox."""
        held_input = HeldInput(self.execution, arrivals, external_events, self.must_replay)
        self.held_inputs.append(held_input)
        return held_input

    def bring_back(self, held_input: HeldInput) -> None:
        """Queue it again, behind whatever came meanwhile."""
        self.held_inputs.remove(held_input)
        self.events.extend(held_input.events)
        if held_input.execution is self.execution:
            self.must_replay |= held_input.is_rewound
            for arrival in held_input.arrivals:
                if not arrival.task.is_canceled:
                    self._queue(arrival)

    @property
    def delivered_mark(self) -> int:
        """The newest inbox row of completions up to which every one is delivered by a turn now."""
        seqs = [arrival.seq for held_input in self.held_inputs for arrival in held_input.arrivals]
        seqs += [completion.seq for completion in self.early_completions]
        return min([self.inbox_mark, *(seq - 1 for seq in seqs)])

    @property
    def _is_unborn(self) -> bool:
        """Whether the first turn was torn: until it is taken again, nothing can go on."""
        return not self.turns and any(
            held_input.execution is self.execution for held_input in self.held_inputs
        )

    @property
    def can_move(self) -> bool:
        """Whether a replay now could find something new."""
        if self._is_unborn:
            return False
        if not self.turns or self.must_replay:
            return True
        needs = self.execution.needs
        if needs.origins:
            return False
        for name, count in needs.events.items():
            if sum(event.name == name for event in self.events) < count:
                return False
        return bool(self.arrivals) or bool(self.events)

    def patience(self, now: float) -> float:
        """How many seconds to wait for more before the next replay; 0 for none.

        There is nothing to wait for unless something is known to be under way.
        """
        if not self.turns or self.execution.is_certain:
            return 0.0
        if all(task.arrived_failure is not None for task in self.execution.tasks.values()):
            return 0.0
        wait = min(self.replay_seconds, _LONGEST_PATIENCE_SECONDS)
        return self.replay_ended + wait - now

    def context(self, new_events: Iterable[str], replay_schema: int, settings_json: str) -> str:
        """Write the context of a turn; large texts are still markers in it.

        Args:
            new_events: What the turn delivers.
            replay_schema: The newest replay schema to offer.
            settings_json: Members that are the same for all, as `DurableSettings` writes them.
        """
        history = events.SEPARATOR.join([*self.turns, *new_events])
        parent = self.identity.parent
        schema = _SCHEMA_FIELDS.get(replay_schema, _SCHEMA_NEWEST)
        return (
            f'{{"history":[{history}],"input":{self.input_json},'
            f'"instanceId":{json.dumps(self.id)},"isReplaying":{json.dumps(bool(self.turns))},'
            f'"parentInstanceId":{json.dumps(parent.instance_id if parent else None)},{schema},'
            f"{settings_json}}}"
        )

    def event_payloads(self) -> set[str]:
        """The payloads that events still waiting refer to."""
        held_events = (event for held_input in self.held_inputs for event in held_input.events)
        external_events = [*self.events, *held_events]
        return {ref for event in external_events for ref in payloads.references(event.event)}

    def close(self) -> None:
        """Forget everything, so that whatever still arrives for it is dropped."""
        self.reset("", "null")
        self.events.clear()
        self.held_inputs.clear()
        while self.controls:
            future = self.controls.popleft().future
            if not future.done():
                future.set_exception(InstanceFinishedError(f"instance '{self.id}' has ended"))
