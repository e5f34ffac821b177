"""The circuits of the downstreams, as whoever looks after the app sees them."""

from typing import Any

from fanout.adapters.rows.rows import Rows
from fanout.adapters.telemetry import metrics
from fanout.adapters.telemetry.logs import logger
from fanout.adapters.telemetry.otel import record_metric
from fanout.downstream.breaker import CircuitState
from fanout.downstream.rate_limiter import RateState
from fanout.errors import UnreadableDocumentError
from fanout.naming import row_keys
from workloads import registry

log = logger("http")
UNREADABLE = "unreadable"


def record_circuits(rows: Rows) -> dict[str, Any]:
    """Record in telemetry which circuits are open; give the state and the rate of each."""
    circuits = {}
    for name in sorted({w.downstream for w in registry.all() if w.downstream is not None}):
        try:
            circuits[name] = _record_circuit(name, rows)
        except UnreadableDocumentError as error:
            log.error("cannot tell the circuit of '%s': %s", name, error)  # noqa: TRY400
            circuits[name] = {"state": UNREADABLE}
    return circuits


def _record_circuit(name: str, rows: Rows) -> dict[str, Any]:
    partition = row_keys.downstream_partition(name)
    circuit = rows.load(partition, row_keys.BREAKER_ROW, CircuitState)
    rate = rows.load(partition, row_keys.RATE_ROW, RateState)
    record_metric(metrics.BREAKER_OPEN, int(circuit.name != "closed"), downstream=name)
    return {
        "state": circuit.name,
        "since": circuit.opened_at,
        "items_per_second": rate.per_second,
        "booked_until": rate.booked_until,
    }
