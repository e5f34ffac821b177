"""The product one version later: what docs/operations.md says may change under runs that go on.

A field more in what orchestrators ask, in what activities answer, in what is carried into the next
history and in a row; another rule of the governor; functions that the earlier version has not.
"""

from typing import Any

from pydantic import BaseModel
from pydantic.fields import FieldInfo

from fanout.durable import orchestration as durable
from fanout.durable.app import Blueprint, orchestrator
from fanout.governor import run_state, wave_size
from fanout.messages import tickets
from fanout.messages.base import Message
from fanout.messages.batches import BatchResult, ProcessAsk
from fanout.messages.shards import ShardWork

# Each with a default, as a model's new field has one.
_NEW_FIELDS: tuple[tuple[type[BaseModel], str], ...] = (
    (ProcessAsk, "lane"),
    (BatchResult, "weighed"),
    (ShardWork, "colour"),
    (run_state.RunState, "branch"),
)
# A model has been compiled into those that have it, and into those that have them.
_DEPTH = 4

bp = Blueprint()


def change_product() -> None:
    """Change the product in this process, before its app is made."""
    for model, name in _NEW_FIELDS:
        model.__pydantic_fields__[name] = FieldInfo(annotation=str, default=f"new {name}")
        tickets._VARYING.add(name)
    rows = run_state.RunState.__mro__[1]
    models = [*_below(Message), *_below(rows)]
    for _ in range(_DEPTH):
        for model in models:
            model.model_rebuild(force=True)
    for model, name in _NEW_FIELDS:
        assert name in model.model_json_schema()["properties"]
    wave_size.TARGET_BATCH_MS //= 2
    wave_size.MAX_GROWTH //= 2


def _below(model: type[BaseModel]) -> list[type[BaseModel]]:
    below = [found for one in model.__subclasses__() for found in _below(one)]
    return [model, *below]


@bp.activity_trigger(input_name="parcel", activity="weigh_parcel")
def weigh_parcel(parcel: int) -> int:
    """A new activity."""
    return parcel


@orchestrator(bp, "weigh_parcels")
def weigh_parcels(context: Any, given: Any) -> Any:
    """A new orchestration."""
    return (yield durable.call_activity(context, "weigh_parcel", given))
