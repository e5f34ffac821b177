"""What was measured, as tables beside the budgets."""

import statistics
from collections.abc import Sequence

from bench.engine.deaths import Death
from bench.engine.runs import Job, Timing
from bench.measure import show, spread

SLOWER_BUDGET = 2.5
FASTER_BUDGET = 1.6


def show_sizes(timings: Sequence[Timing]) -> None:
    """Show one instance: a row for each number of items."""
    rows = []
    for n in sorted({timing.items for timing in timings}):
        fanout, textbook = _find(timings, Job.FANOUT, n), _find(timings, Job.TEXTBOOK, n)
        rate = f"{n / fanout.seconds:,.0f}" if fanout else ""
        noise = f"{spread(fanout.samples):.0%}" if fanout else ""
        rows.append([f"{n:,}", _format_seconds(fanout), rate, noise, _format_seconds(textbook)])
    columns = ["items", "seconds", "items/s", "spread", "the textbook, seconds"]
    show("On one instance, from POST to the end", columns, rows)


def show_instances(timings: Sequence[Timing]) -> None:
    """Show a row for each job and a column for each number of instances, then the budgets."""
    counts = sorted({timing.instances for timing in timings})
    jobs = list(dict.fromkeys((timing.what, timing.items) for timing in timings))
    rows = [
        [_name(*job), *(_format_seconds(_find(timings, *job, count)) for count in counts)]
        for job in jobs
    ]
    show("Seconds by instances", ["items", *map(str, counts)], rows)
    if ratio := _ratio(timings, Job.FANOUT, 1):
        print(f"one item, two instances over one: {ratio:.2f}, budget {SLOWER_BUDGET}")
    for n in sorted({timing.items for timing in timings if timing.what is Job.WAITING}):
        if ratio := _ratio(timings, Job.WAITING, n):
            name = _name(Job.WAITING, n)
            print(f"{name}, one over two: {1 / ratio:.2f}, budget {FASTER_BUDGET}")


def show_deaths(deaths: Sequence[Death]) -> None:
    """Show a row for each sort of death: medians, and the longest standstill of all."""
    columns = ["killed", "times", "next item", "standstill", "longest", "to the end", "unkilled"]
    sorts = dict.fromkeys(death.who for death in deaths)
    rows = [_death_row(who, [death for death in deaths if death.who == who]) for who in sorts]
    show("Seconds from kill -9 to going on", columns, rows)


def _death_row(who: str, deaths: Sequence[Death]) -> list[object]:
    fields = ("next_item", "standstill", "end", "undisturbed")
    medians = [statistics.median(getattr(death, name) for death in deaths) for name in fields]
    longest = max(death.standstill for death in deaths)
    seconds = (*medians[:2], longest, *medians[2:])
    return [who, len(deaths), *(f"{number:.1f}" for number in seconds)]


def _find(timings: Sequence[Timing], job: Job, items: int, instances: int = 1) -> Timing | None:
    key = (job, items, instances)
    matches = (t for t in timings if (t.what, t.items, t.instances) == key)
    return next(matches, None)


def _ratio(timings: Sequence[Timing], job: Job, items: int) -> float | None:
    """The seconds on two instances over those on one."""
    on_one, on_two = _find(timings, job, items, 1), _find(timings, job, items, 2)
    return on_two.seconds / on_one.seconds if on_one and on_two else None


def _format_seconds(timing: Timing | None) -> str:
    return f"{timing.seconds:.2f}" if timing else ""


def _name(job: Job, items: int) -> str:
    return f"{items:,} of 1 s, one a batch" if job is Job.WAITING else f"{items:,}"
