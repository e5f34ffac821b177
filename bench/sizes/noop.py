"""Items that do nothing, inline and as JSON lines: time and counts of each size."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from bench.million import items, upload
from bench.sizes.contenders import Once, Timing, run_once, take_turns, textbook_once
from bench.sizes.sides import NEW, Counts, Request, Side, run_sides

KINDS = ("inline", "jsonl")
TEXTBOOK = "textbook"
FIXED_LIMITS = (10, 100, 1_000, 10_000)
# So many batches of a fixed size are never the best.
MAX_FIXED_BATCHES = 200


@dataclass(frozen=True)
class SizeResult:
    """What a size came to.

    Attributes:
        kind: Of the source.
        times: By contender: a side, a fixed limit of this checkout, the textbook.
        counts: By side.
    """

    items: int
    kind: str
    times: dict[str, Timing]
    counts: dict[str, Counts]

    @property
    def best_fixed(self) -> str | None:
        """The fixed limit that is fastest, if there is one."""
        fixed = [name for name in self.times if name.isdecimal()]
        return min(fixed, key=lambda name: self.times[name].seconds, default=None)

    def ratio(self, other: str | None) -> float | None:
        """The time of this checkout over that of another contender."""
        if other is None or other not in self.times:
            return None
        return self.times[NEW].seconds / self.times[other].seconds


def measure(
    old: Path | None, sizes: Sequence[int], times: int, textbook_to: int
) -> list[SizeResult]:
    """Measure each size; the textbook only as far as it gets in a bearable time."""
    results = []
    with run_sides(old) as sides:
        for n in sizes:
            for kind in KINDS:
                result = _measure_size(sides, n, kind, times, n <= textbook_to)
                if result is not None:
                    results.append(result)
    return results


def _measure_size(
    sides: Sequence[Side], n: int, kind: str, times: int, has_textbook: bool
) -> SizeResult | None:
    requests = {side.name: _make_request(side, kind, n) for side in sides}
    able = [side for side in sides if side.takes(requests[side.name])]
    if not any(side.name == NEW for side in able):
        print(f"  {n:>7,} {kind}: more than the API takes", flush=True)
        return None
    contenders: dict[str, Once] = {
        side.name: run_once(side, requests[side.name], n) for side in able
    }
    contenders |= _fixed(able[0], requests[NEW], n)
    if has_textbook:
        contenders[TEXTBOOK] = textbook_once(able[0], n)
    counts = {side.name: side.count(requests[side.name]) for side in able}
    result = SizeResult(n, kind, take_turns(contenders, times), counts)
    _show_progress(result)
    return result


def _fixed(side: Side, request: Request, n: int) -> Mapping[str, Once]:
    """A contender for each fixed limit that makes a difference and not too many batches."""
    limits = [limit for limit in FIXED_LIMITS if limit < n]
    limits += [limit for limit in FIXED_LIMITS if limit >= n][:1]
    return {
        str(limit): run_once(side, {**request, "batch": {"max_items": limit}}, n)
        for limit in limits
        if n / limit <= MAX_FIXED_BATCHES
    }


def _make_request(side: Side, kind: str, n: int) -> Request:
    if kind == "inline":
        return {"workload": "nothing", "source": {"kind": "inline", "items": items(n)}}
    source = {"kind": "jsonl", "container": "inbox", "blob": upload(side.host, n)}
    return {"workload": "nothing", "source": source}


def _show_progress(result: SizeResult) -> None:
    seconds = ", ".join(f"{name} {timing.seconds:.2f}" for name, timing in result.times.items())
    operations = ", ".join(
        f"{name} {counts.total_operations}" for name, counts in result.counts.items()
    )
    print(
        f"  {result.items:>7,} {result.kind}: seconds {seconds}; operations {operations}",
        flush=True,
    )
