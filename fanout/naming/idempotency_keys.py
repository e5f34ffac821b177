"""The idempotency keys that workloads get: the same however often a thing is tried."""


def item_key(run_id: str, item_id: str, step: str) -> str:
    """The key of what is done to an item: ``process``, ``compensate``, or a step of its saga."""
    return f"{run_id}/{item_id}/{step}"


def saga_step_key(run_id: str, item_id: str, step: str, take: int) -> str:
    """The key of a step of a saga; a saga that is taken up anew has other keys."""
    key = item_key(run_id, item_id, step)
    return key if take == 1 else f"{key}/take-{take}"


def chunk_key(run_id: str, first_index: int) -> str:
    """The key of a batch that a chunk workload takes whole, by the index of its first item."""
    return f"{run_id}/{first_index}"
