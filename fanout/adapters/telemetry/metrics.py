"""The metrics of Fanout, by name; docs/telemetry.md says what each one means."""

from dataclasses import dataclass
from typing import Literal

Kind = Literal["counter", "up_down_counter", "histogram", "gauge"]


@dataclass(frozen=True)
class Metric:
    """A metric.

    Attributes:
        unit: By UCUM, as OpenTelemetry asks: ``s``, ``{run}``.
        labels: What its values are told apart by.

    Source: https://opentelemetry.io/docs/specs/semconv/general/metrics/
    """

    name: str
    kind: Kind
    unit: str
    description: str
    labels: tuple[str, ...] = ()


RUNS = Metric(
    "fanout.runs", "counter", "{run}", "Attempts of runs that ended.", ("workload", "outcome")
)
ITEMS = Metric(
    "fanout.items", "counter", "{item}", "Items that attempts ended with.", ("workload", "outcome")
)
RETRIES = Metric("fanout.retries", "counter", "{item}", "Tries beyond the first.", ("workload",))
DEAD_LETTERS = Metric(
    "fanout.dead_letters", "counter", "{item}", "Items given up on.", ("workload",)
)
RUN_DURATION = Metric(
    "fanout.run.duration",
    "histogram",
    "s",
    "From an attempt's beginning to its end.",
    ("workload",),
)
ITEM_DURATION = Metric(
    "fanout.item.duration",
    "histogram",
    "s",
    "Tries of items; of large batches a sample.",
    ("workload",),
)
BATCHES_IN_FLIGHT = Metric(
    "fanout.batches.in_flight", "up_down_counter", "{batch}", "Batches at work in a process."
)
QUEUE_AGE = Metric(
    "fanout.queue.age", "gauge", "s", "How long the last request had waited when it was taken."
)
BREAKER_OPEN = Metric(
    "fanout.breaker.open",
    "gauge",
    "1",
    "Whether a downstream is held to be down.",
    ("downstream",),
)
TAKE_OVERS = Metric(
    "fanout.take_overs",
    "counter",
    "{take_over}",
    "Runs begun anew by the watchdog, because their orchestration had failed.",
)
WATCHDOG_LOOKS = Metric(
    "fanout.watchdog.looks", "counter", "{look}", "Looks of the watchdog at all open runs."
)

ALL = tuple(value for value in list(globals().values()) if isinstance(value, Metric))
