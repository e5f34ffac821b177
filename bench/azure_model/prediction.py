"""How long a run takes in Azure, on how many instances, what it costs, and what holds it up."""

from dataclasses import dataclass, field
from enum import StrEnum
from functools import cached_property
from math import ceil, inf

from bench.azure_model import facts
from bench.azure_model.scheme import Load, Plan, plan_run
from bench.azure_model.shape import Events, count_events, count_messages, longest_history
from localhost.durable.protocol.events import EventType
from orchestrators.waves import EVENT_BUDGET


class Backend(StrEnum):
    """Where Durable Functions keep their state."""

    STORAGE = "Azure Storage"
    CONSUMPTION = "Scheduler, Consumption"
    DEDICATED = "Scheduler, 3 units"


class Limit(StrEnum):
    """What holds a run up."""

    STEPS = "steps in a row"
    SCALE_OUT = "scale-out"
    CORES = "cores"
    PLACES = "activities at once"
    WIDTH = "batches in flight"
    WAVES = "gaps between waves"
    TURNS = "turns of orchestrators"
    QUEUE = "work-item queue"
    HUB = "account of the hub"
    ACTIONS = "scheduler's actions"
    ROWS = "rows of the run"
    DATA = "account of the data"
    SCAN = "scan of the source"
    FAN_IN = "writing of results"


@dataclass(frozen=True)
class Setup:
    """The settings of an app and of a run.

    Attributes:
        batches: `concurrency.batches` of the request.
        instances: `maximumInstanceCount`.
        at_once: `maxConcurrentActivityFunctions` of an instance.
        cores: Of an instance: 1 with 2048 MB.
        quota: Cores of the region's quota.
        partitions: Control queues of the hub, each of which one instance has.
    """

    backend: Backend = Backend.STORAGE
    batches: int = 64
    instances: int = 100
    at_once: int = 16
    cores: float = 1.0
    memory_gb: float = 2.0
    quota: float = facts.QUOTA_CORES.value
    partitions: int = 8

    @property
    def is_storage(self) -> bool:
        """Whether the hub is in queues and tables."""
        return self.backend is Backend.STORAGE

    @property
    def step_scale(self) -> float:
        """How long a step takes, over that on Azure Storage."""
        return 1.0 if self.is_storage else facts.SCHEDULER_SPEED.value

    @property
    def actions_per_second(self) -> float:
        """What the scheduler carries out."""
        dedicated = self.backend is Backend.DEDICATED
        return 3 * facts.SCHEDULER_UNIT.value if dedicated else facts.SCHEDULER_CONSUMPTION.value


@dataclass(frozen=True)
class Prediction:
    """What is to be expected of a run.

    Attributes:
        seconds: What each limit took of the time.
    """

    load: Load
    setup: Setup
    plan: Plan
    seconds: dict[Limit, float] = field(default_factory=lambda: dict.fromkeys(Limit, 0.0))
    instance_seconds: float = 0.0
    instances: int = 1

    @property
    def total_seconds(self) -> float:
        """From the request to the end."""
        return sum(self.seconds.values())

    @property
    def limit(self) -> Limit:
        """What took most of the time."""
        return max(self.seconds, key=lambda limit: self.seconds[limit])

    @cached_property
    def events(self) -> Events:
        """Of all histories."""
        return count_events(self.plan.shape)

    @property
    def activities(self) -> int:
        """Of all kinds."""
        return self.events[EventType.TASK_SCHEDULED]

    @cached_property
    def messages(self) -> int:
        """Of queues, or actions of the scheduler."""
        return count_messages(self.plan.shape)

    @property
    def longest_history(self) -> int:
        """Events that a turn reads at most."""
        return longest_history(self.plan.shape)

    @property
    def hub_operations(self) -> float:
        """Of the queues and tables of the hub; none with the scheduler."""
        if not self.setup.is_storage:
            return 0.0
        children = self.events[EventType.EXECUTION_STARTED]
        activities = facts.ACTIVITY_OPERATIONS.value * self.activities
        return activities + facts.CHILD_OPERATIONS.value * children

    @property
    def data_operations(self) -> float:
        """Of the blobs and tables of the runs."""
        batch = facts.BATCH_READS.value + facts.BATCH_WRITES.value
        waves = self.plan.waves * max(1, self.plan.shards)
        return (
            facts.RUN_OPERATIONS.value
            + batch * self.plan.batches
            + facts.STEER_ROWS.value * waves
            + 3 * (self.plan.scans + self.plan.ranges)
        )

    @property
    def dollars(self) -> float:
        """At list prices; the Scheduler's own price and always-ready instances are not in it."""
        writes = facts.BATCH_WRITES.value * self.plan.batches + self.plan.ranges + self.plan.scans
        executions = self.activities + self.events[EventType.ORCHESTRATOR_STARTED]
        return (
            self.instance_seconds * self.setup.memory_gb * facts.GB_SECOND.value
            + executions * facts.EXECUTION.value
            + writes * facts.BLOB_WRITE.value
            + (self.data_operations - writes) * facts.BLOB_READ.value
            + self.hub_operations * facts.HUB_OPERATION.value
        )


def predict(load: Load, setup: Setup) -> Prediction:
    """Predict a run that has the app for itself, in which nothing fails."""
    plan = plan_run(load, setup.batches)
    prediction = Prediction(load, setup, plan)
    work = _Work(prediction)
    seconds = prediction.seconds
    seconds[Limit.STEPS] = work.seconds_of_steps
    work.carry_out()
    cores = work.instances * setup.cores
    scanned = load.items * load.item_bytes if plan.scans else 0
    seconds[Limit.SCAN] = scanned / facts.SCAN_BYTES.value / cores
    results = load.items * facts.RESULT_SECONDS.value / min(cores, plan.ranges)
    seconds[Limit.FAN_IN] = results
    seconds[Limit.TURNS] += _scan_turn_seconds(plan)
    tail = seconds[Limit.SCAN] + results
    least = facts.LEAST_BILLED.value
    instance_seconds = work.instance_seconds + tail * work.instances + seconds[Limit.STEPS]
    return Prediction(
        load, setup, plan, seconds, max(least * work.instances, instance_seconds), work.instances
    )


def _scan_turn_seconds(plan: Plan) -> float:
    """The turns that take the answers of scans: each replays the history, which grows."""
    turns = plan.scans / facts.ANSWERS_A_TURN.value
    events = 2 * plan.scans + 2 * turns
    return turns * (facts.TURN_SECONDS.value + events / 2 * facts.REPLAY_SECONDS.value)


class _Work:
    """The batches of a run, while instances are added."""

    def __init__(self, prediction: Prediction) -> None:
        self._load, self._setup, self._plan = prediction.load, prediction.setup, prediction.plan
        self._prediction = prediction
        self.instances, self.instance_seconds = 1, 0.0

    @property
    def seconds_of_steps(self) -> float:
        """The start, the first box and the end, which nothing goes on beside."""
        scale = self._setup.step_scale
        steps = 1 if not self._plan.batches else 3 + 3 * self._plan.has_fan_in
        children = bool(self._plan.shards) + self._plan.has_fan_in
        waiting = facts.ACTIVITY_SECONDS.value * steps + facts.CHILD_SECONDS.value * children
        scout = self._plan.scout_items * self._load.batch_item_seconds
        return waiting * scale + scout

    @property
    def target(self) -> int:
        """Instances that the scale controller wants: enough for the activities that wait."""
        setup = self._setup
        in_flight = min(setup.batches, self._plan.batches)
        wanted = ceil(in_flight / setup.at_once)
        return max(1, min(wanted, setup.instances, int(setup.quota / setup.cores)))

    def carry_out(self) -> None:
        """Add up how long the batches take, and what holds them up meanwhile."""
        left = float(self._load.items - self._plan.scout_items)
        seconds = self._prediction.seconds
        steps = 0
        while left > 0:
            limit, rate = self._slowest()
            needed = left / rate
            span = min(needed, self._step_seconds(steps))
            seconds[limit] += span
            self.instance_seconds += span * self.instances
            left = left - span * rate if span < needed else 0
            self.instances = self.instances if left == 0 else self._more_instances
            steps += 1

    def _step_seconds(self, steps: int) -> float:
        """How long nothing changes: until the next instances work, or for good."""
        if self.instances >= self.target:
            return inf
        first = facts.COLD_START.value if steps == 0 else 0
        return facts.SCALE_SECONDS.value + first

    @property
    def _more_instances(self) -> int:
        return min(self.target, self.instances + int(facts.SCALE_STEP.value))

    def _slowest(self) -> tuple[Limit, float]:
        """What allows the fewest items a second now, and how many."""
        rates = self._rates()
        limit = min(rates, key=lambda limit: rates[limit])
        is_growing = self.instances < self.target
        by_instances = limit in (Limit.CORES, Limit.PLACES, Limit.TURNS)
        return (Limit.SCALE_OUT if is_growing and by_instances else limit), rates[limit]

    def _rates(self) -> dict[Limit, float]:
        """Items a second that each limit allows."""
        items = min(self._plan.batch_items, self._load.items - self._plan.scout_items)
        batch = facts.BATCH_READS.value + facts.BATCH_WRITES.value
        rates = {
            self._width_limit: self._width_rate,
            Limit.CORES: self.instances * self._setup.cores / self._load.core_seconds,
            Limit.PLACES: self.instances * self._setup.at_once / self._load.batch_item_seconds,
            Limit.TURNS: self._turn_rate * items,
            Limit.ROWS: self._row_rate * items,
            Limit.DATA: facts.BLOB_ACCOUNT.value / batch * items,
        }
        if self._setup.is_storage:
            rates[Limit.QUEUE] = facts.QUEUE.value * items
            rates[Limit.HUB] = facts.HUB_ACCOUNT.value / facts.ACTIVITY_OPERATIONS.value * items
        else:
            rates[Limit.ACTIONS] = self._setup.actions_per_second / 2 * items
        return rates

    @property
    def _turn_rate(self) -> float:
        """Answers a second that the owners of partitions take; the Scheduler has none."""
        owners = self.instances
        if self._setup.is_storage:
            owners = min(owners, self._setup.partitions)
        replayed = min(EVENT_BUDGET, self._prediction.longest_history) / 2
        turn = facts.TURN_SECONDS.value + replayed * facts.REPLAY_SECONDS.value
        return owners * self._setup.cores / turn * facts.ANSWERS_A_TURN.value

    @property
    def _row_rate(self) -> float:
        """Batches a second whose waves the run's own partition of the table has room for."""
        return facts.TABLE_PARTITION.value / facts.STEER_ROWS.value * self._plan.width

    @property
    def _width_limit(self) -> Limit:
        return Limit.WAVES if self._gap_seconds > self._batch_seconds else Limit.WIDTH

    @property
    def _width_rate(self) -> float:
        """Of the batches in flight, each wave being waited for."""
        shards = max(1, self._plan.shards)
        # The shares of the shards add up to the limit, though one is wider than another.
        at_once = min(self._plan.width * shards, self._setup.batches, self._plan.batches)
        items = at_once * self._plan.batch_items
        return items / (self._batch_seconds + self._gap_seconds)

    @property
    def _batch_seconds(self) -> float:
        return self._plan.batch_items * self._load.batch_item_seconds

    @property
    def _gap_seconds(self) -> float:
        """Between two waves of a shard: it asks, gives out batches and takes their answers."""
        width = self._plan.width
        steps = 2 * facts.ACTIVITY_SECONDS.value
        messages = width / facts.FAN_OUT.value + width / facts.FAN_IN.value
        return (steps + messages) * self._setup.step_scale
