"""Cuts of the items that stand in a request itself."""

from collections.abc import Sequence
from typing import Any

from pydantic_core import to_json

from fanout.models.plan import Cut
from fanout.models.request import BatchLimits
from fanout.splitting.cuts import cut_records
from fanout.splitting.scan import RecordBounds


def cut_items(items: Sequence[Any], limits: BatchLimits, max_items: int | None = None) -> list[Cut]:
    """Cut items as though each were one line of JSON; the cuts name no bytes."""
    import numpy as np

    ends = np.cumsum([len(to_json(item)) + 1 for item in items], dtype=np.int64)
    starts = np.concatenate([[0], ends])[:-1].astype(np.int64)
    cuts = cut_records([RecordBounds(starts, ends, np.ones_like(ends))], limits, max_items)
    return [cut._replace(offset=0, end=0) for cut in cuts]
