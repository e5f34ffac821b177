"""Looks at some items of a batch: how long they take, and what became of them."""

from dataclasses import dataclass

from fanout.adapters.telemetry import metrics
from fanout.adapters.telemetry.otel import Otel, otel
from fanout.adapters.telemetry.spans import record_item_span

# Of a batch; evenly spread over it.
DURATIONS_A_BATCH = 100
SPANS_A_BATCH = 10


@dataclass
class ItemWatch:
    """Watches the items of one batch.

    Attributes:
        items: How many there are.
        seen: How many have been tried.
    """

    telemetry: Otel
    workload: str
    items: int
    seen: int = 0

    @classmethod
    def for_batch(cls, workload: str, items: int) -> "ItemWatch | None":
        """Watch a batch, if anybody listens."""
        telemetry = otel()
        return None if telemetry is None else cls(telemetry, workload, items)

    def note(self, item_id: str, tries: int, duration_ms: float, failure: str | None) -> None:
        """Take note of an item that has just been tried."""
        number, self.seen = self.seen, self.seen + 1
        if number % max(1, self.items // DURATIONS_A_BATCH) == 0:
            seconds = duration_ms / 1000
            self.telemetry.record_metric(
                metrics.ITEM_DURATION, seconds, {"workload": self.workload}
            )
        if number % max(1, self.items // SPANS_A_BATCH) == 0:
            record_item_span(item_id, tries, duration_ms, failure)
