"""A shard and the rate limiter of its downstream, which all runs share."""

from collections.abc import Generator
from typing import Any

import azure.durable_functions as df

from fanout import names
from fanout.models.wave import ShardWork, WaveOrder
from fanout.payloads import dump
from fanout.rate_limiter import RateAsk, RateOrder
from orchestrators.clock import timestamp


def booked(
    context: Any, work: ShardWork, order: WaveOrder, *, is_probe: bool
) -> Generator[Any, Any, RateOrder]:
    """Book the items of a wave or round; without a rate nothing is to wait for."""
    if work.downstream is None or work.downstream_rate is None:
        return RateOrder()
    asked = RateAsk(
        items=_items(work, order, is_probe=is_probe),
        per_second=work.downstream_rate,
        at=timestamp(context.current_utc_datetime),
    )
    entity = df.EntityId(names.RATE_LIMITER, work.downstream)
    answer = yield context.call_entity(entity, "book", dump(asked))
    return RateOrder.model_validate(answer)


def _items(work: ShardWork, order: WaveOrder, *, is_probe: bool) -> float:
    if is_probe:
        return 1
    return work.retrying.items if work.retrying else order.cuts * work.batch_items
