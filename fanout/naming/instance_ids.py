"""The ids of runs and of the orchestration instances that work for them."""

import re

from fanout.naming.blob_paths import BatchName
from fanout.naming.row_keys import Stage, shard_row

RUN_ID_PATTERN = r"^[A-Za-z0-9._-]{1,100}$"


_RUN_ID = re.compile(RUN_ID_PATTERN)


def is_run_id(text: str) -> bool:
    """Tell whether `text` may name a run: ``[A-Za-z0-9._-]{1,100}``, but not dots alone."""
    return _RUN_ID.fullmatch(text) is not None and text.strip(".") != ""


def attempt_instance(run_id: str, attempt: int) -> str:
    """The orchestration instance of a run's attempt: the run id itself, then ``{run_id}:a2``...

    No run id has a colon, so no other run's instance can have this name.
    """
    return run_id if attempt == 1 else f"{run_id}:a{attempt}"


def shard_instance(run_instance: str, shard: int, stage: Stage = "process") -> str:
    """The instance id of one shard sub-orchestration (0-based)."""
    return f"{run_instance}:{shard_row(shard, stage)}"


def saga_batch_instance(run_instance: str, name: BatchName) -> str:
    """The instance id of the sub-orchestration that runs the sagas of a batch in one round."""
    where = f"p{name.partition:05d}b{name.first_cut:04d}r{name.retry_round}"
    return f"{run_instance}:{where}"


def fan_in_instance(run_instance: str) -> str:
    """The instance id of the sub-orchestration that writes the results."""
    return f"{run_instance}:f"


def queue_instance(run_id: str) -> str:
    """The orchestration instance that holds a run back until it is its turn."""
    return f"{run_id}:q"


def saga_instance(batch_instance: str, index: int) -> str:
    """The instance id of the saga of an item (0-based) of a batch."""
    return f"{batch_instance}:i{index}"
