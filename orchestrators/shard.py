"""The orchestrator `shard`: every S-th partition of a run, one wave of batches after the other.

It continues as new before its history gets long, carrying only its position.
"""

from collections.abc import Generator
from typing import Any

from fanout.durable.app import Blueprint, orchestrator
from fanout.durable.orchestration import continue_as_new
from fanout.messages.payloads import dump
from fanout.messages.shards import ShardWork
from fanout.messages.tickets import answer_as_child
from fanout.naming import functions
from orchestrators.accounts import open_account, usage_of
from orchestrators.waves import work_off

bp = Blueprint()


@orchestrator(bp, functions.SHARD)
def shard(context: Any, given: Any) -> Generator[Any, Any, Any]:
    """Work off the partitions of one shard; returns what they came to as a `ShardEnd`."""
    work = ShardWork.model_validate(given)
    open_account(context, work.usage)
    work, end = yield from work_off(context, work)
    if end is None:
        continue_as_new(context, dump(work.model_copy(update={"usage": usage_of(context)})))
        return None
    return answer_as_child(context.instance_id, dump(end), usage_of(context))
