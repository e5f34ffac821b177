"""Files of runs that never change, kept in a process that has read or written them."""

import sys
from collections import OrderedDict
from collections.abc import Callable, Hashable
from threading import Lock
from typing import Generic, TypeVar

from pydantic_core import to_json

from fanout.models.plan import PartitionPlan, PlanManifest
from fanout.models.request import RunRequest

Value = TypeVar("Value")
# Each takes some 300 bytes.
MAX_CLAIMS = 10_000
# What JSON takes when it is parsed, as often as its bytes; what a model, a cut, an origin take.
PARSED_FACTOR = 10
_SMALL_BYTES = 2_000
_CUT_BYTES = 250
_ORIGIN_BYTES = 1_000


class Kept(Generic[Value]):
    """The values looked up last, so many and so many bytes at most.

    Args:
        size: How many.
        max_bytes: How many bytes; one value alone may have more, and is kept until the next.
        weigh: How many bytes a value takes, more or less.
    """

    def __init__(self, size: int, max_bytes: int, weigh: Callable[[Value], int]) -> None:
        self._size = size
        self._max_bytes = max_bytes
        self._weigh = weigh
        self._values: OrderedDict[Hashable, tuple[Value, int]] = OrderedDict()
        self._bytes = 0
        self._lock = Lock()

    def get(self, key: Hashable, load: Callable[[], Value]) -> Value:
        """Give a value; it is loaded where it is not kept."""
        with self._lock:
            if key in self._values:
                self._values.move_to_end(key)
                return self._values[key][0]
        value = load()
        self.put(key, value)
        return value

    def put(self, key: Hashable, value: Value) -> None:
        """Keep a value, and forget those that nobody has asked for the longest."""
        weight = self._weigh(value)
        with self._lock:
            self._bytes += weight - self._values.pop(key, (value, 0))[1]
            self._values[key] = (value, weight)
            while len(self._values) > 1 and self._is_full:
                self._bytes -= self._values.popitem(last=False)[1][1]

    @property
    def _is_full(self) -> bool:
        return len(self._values) > self._size or self._bytes > self._max_bytes

    def clear(self) -> None:
        """Forget all."""
        with self._lock:
            self._values.clear()
            self._bytes = 0


class KeptClaims:
    """The claims of the runs that a process has met, so many at most."""

    def __init__(self, size: int = MAX_CLAIMS) -> None:
        self._size = size
        self._claims: dict[str, str] = {}
        self._lock = Lock()

    def keep(self, run_id: str, claim: str) -> bool:
        """Keep the claim of a run; tell whether what else is kept is of the runs known here.

        It is not where the run has another claim, or all claims had to be forgotten for this one.
        """
        with self._lock:
            if self._claims.get(run_id) == claim:
                return True
            if run_id not in self._claims and len(self._claims) < self._size:
                self._claims[run_id] = claim
                return True
            self._claims = {run_id: claim}
            return False


def weigh_request(request: RunRequest) -> int:
    """How many bytes a request, parsed takes in memory, more or less."""
    return PARSED_FACTOR * len(to_json(request))


def weigh_manifest(manifest: PlanManifest) -> int:
    """How many bytes a manifest takes in memory, more or less."""
    own = _SMALL_BYTES + sum(map(sys.getsizeof, manifest.header or ()))
    return own + (weigh_partition(manifest.only) if manifest.only else 0)


def weigh_partition(plan: PartitionPlan) -> int:
    """How many bytes the cuts of a partition takes in memory, more or less."""
    return _SMALL_BYTES + _CUT_BYTES * len(plan.cuts) + _ORIGIN_BYTES * len(plan.origins)
