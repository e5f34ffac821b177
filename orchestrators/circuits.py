"""A shard and the breaker of its downstream: asking before it calls, telling what came of it."""

from collections.abc import Generator
from typing import Any

import azure.durable_functions as df

from fanout import names
from fanout.breaker import CircuitAsk, CircuitOrder, CircuitReport
from fanout.models.wave import BatchResult, ShardWork
from fanout.payloads import dump
from orchestrators.clock import timestamp


def circuit_order(context: Any, work: ShardWork) -> Generator[Any, Any, CircuitOrder]:
    """Ask whether the downstream may be called; a workload without one goes on."""
    if work.downstream is None:
        return CircuitOrder()
    asked = CircuitAsk(shard=context.instance_id, at=timestamp(context.current_utc_datetime))
    order = yield context.call_entity(_breaker(work), "ask", dump(asked))
    return CircuitOrder.model_validate(order)


def tell_circuit(
    context: Any, work: ShardWork, results: list[BatchResult]
) -> Generator[Any, Any, None]:
    """Tell what the calls of some batches came to; none at all gives a probe back."""
    if work.downstream is None:
        return
    report = CircuitReport(
        shard=context.instance_id,
        at=timestamp(context.current_utc_datetime),
        has_tripped=is_down(results),
        has_answered=any(result.has_answered for result in results),
    )
    yield context.call_entity(_breaker(work), "told", dump(report))


def is_down(results: list[BatchResult]) -> bool:
    """Tell whether the downstream kept failing for most of some batches."""
    tripped = sum(result.has_tripped for result in results)
    return tripped > 0 and 2 * tripped >= len(results)


def _breaker(work: ShardWork) -> df.EntityId:
    return df.EntityId(names.BREAKER, work.downstream)
