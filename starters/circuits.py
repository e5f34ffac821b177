"""The circuits of downstreams, as whoever looks after the app sees them."""

from typing import Any

import azure.durable_functions as df

from fanout import names
from fanout.adapters import metrics
from fanout.adapters.otel import tell
from fanout.breaker import CircuitState
from fanout.rate_limiter import RateState
from workloads import registry


async def circuits_of(client: Any) -> dict[str, Any]:
    """Tell how the breaker of each downstream stands, and how far its rate is booked."""
    found = {}
    for name in sorted({w.downstream for w in registry.all() if w.downstream is not None}):
        circuit = CircuitState.model_validate(await _entity(client, names.BREAKER, name))
        rate = RateState.model_validate(await _entity(client, names.RATE_LIMITER, name))
        tell(metrics.BREAKER_OPEN, int(circuit.name != "closed"), downstream=name)
        found[name] = {
            "state": circuit.name,
            "since": circuit.opened_at,
            "items_per_second": rate.per_second,
            "booked_until": rate.booked_until,
        }
    return found


async def _entity(client: Any, name: str, key: str) -> Any:
    entity = await client.read_entity_state(df.EntityId(name, key))
    return entity.entity_state or {}
