"""What was measured, as tables beside the budgets."""

import statistics
from collections.abc import Sequence

from bench.engine.deaths import Death
from bench.engine.runs import Taken
from bench.measure import show, spread

SLOWER_BUDGET = 2.5
FASTER_BUDGET = 1.6


def show_sizes(found: Sequence[Taken]) -> None:
    """One instance: a row for each number of items."""
    rows = []
    for n in sorted({one.items for one in found}):
        ours, plain = _of(found, "fanout", n), _of(found, "textbook", n)
        rate = f"{n / ours.seconds:,.0f}" if ours else ""
        noise = f"{spread(ours.samples):.0%}" if ours else ""
        rows.append([f"{n:,}", _seconds(ours), rate, noise, _seconds(plain)])
    columns = ["items", "seconds", "items/s", "spread", "the textbook, seconds"]
    show("On one instance, from POST to the end", columns, rows)


def show_instances(found: Sequence[Taken]) -> None:
    """A row for each job and a column for each number of instances, then the budgets."""
    counts = sorted({one.instances for one in found})
    jobs = list(dict.fromkeys((one.what, one.items) for one in found))
    rows = [[_name(*job), *(_seconds(_of(found, *job, count)) for count in counts)] for job in jobs]
    show("Seconds by instances", ["items", *map(str, counts)], rows)
    if ratio := _ratio(found, "fanout", 1):
        print(f"one item, two instances over one: {ratio:.2f}, budget {SLOWER_BUDGET}")
    for n in sorted({one.items for one in found if one.what == "waiting"}):
        if ratio := _ratio(found, "waiting", n):
            print(f"{_name('waiting', n)}, one over two: {1 / ratio:.2f}, budget {FASTER_BUDGET}")


def show_deaths(found: Sequence[Death]) -> None:
    """A row for each sort of death: medians, and the longest standstill of all."""
    rows = []
    for who in dict.fromkeys(one.who for one in found):
        those = [one for one in found if one.who == who]
        fields = ("next_item", "standstill", "end", "undisturbed")
        medians = [statistics.median(getattr(one, name) for one in those) for name in fields]
        longest = max(one.standstill for one in those)
        rows.append(
            [who, len(those), *(f"{one:.1f}" for one in (*medians[:2], longest, *medians[2:]))]
        )
    columns = ["killed", "times", "next item", "standstill", "longest", "to the end", "unkilled"]
    show("Seconds from kill -9 to going on", columns, rows)


def _of(found: Sequence[Taken], what: str, items: int, instances: int = 1) -> Taken | None:
    wanted = (what, items, instances)
    return next((one for one in found if (one.what, one.items, one.instances) == wanted), None)


def _ratio(found: Sequence[Taken], what: str, items: int) -> float | None:
    one, two = _of(found, what, items, 1), _of(found, what, items, 2)
    return two.seconds / one.seconds if one and two else None


def _seconds(taken: Taken | None) -> str:
    return f"{taken.seconds:.2f}" if taken else ""


def _name(what: str, items: int) -> str:
    return f"{items:,} of 1 s, one a batch" if what == "waiting" else f"{items:,}"
