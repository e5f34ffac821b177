"""What was measured, as tables beside the budgets."""

from collections.abc import Mapping, Sequence
from itertools import pairwise

from bench.azure_model.prediction import Setup, predict
from bench.azure_model.scheme import Load
from bench.measure import show
from bench.sizes.contenders import Timing
from bench.sizes.noop import TEXTBOOK, SizeResult
from bench.sizes.report import ReportResult
from bench.sizes.sides import NEW, OLD, Counts
from bench.sizes.waiting import WaitResult
from fanout.naming.functions import PROCESS_BATCH

TEXTBOOK_BUDGET, TEXTBOOK_FROM, FIXED_BUDGET = 1.0, 100, 1.15
OPERATIONS_BUDGETS = {1_000: 45, 10_000: 60}
GROWTH_BUDGET = 4.0
# Messages in a row, of a run of one batch and of one wave.
BATCH_MESSAGES_BUDGET, WAVE_MESSAGES_BUDGET = 8, 10
REPORT_SECONDS_BUDGET, REPORT_ACTIVITIES_BUDGET = 1.0, 4
COUNT_COLUMNS = ("operations", "activities", "turns", "entity calls", "events", "in a row", "CPU")


def show_times(results: Sequence[SizeResult]) -> None:
    """Show seconds of each size, and how they compare."""
    columns = ["items", "source", "new", "spread"]
    columns += ["old", "new/old", "textbook", "new/textbook", "best fixed", "new/fixed"]
    title = (
        f"Seconds from POST to done, medians; budgets: at most {TEXTBOOK_BUDGET}x the textbook "
        f"from {TEXTBOOK_FROM} on, {FIXED_BUDGET}x the best fixed batch"
    )
    show(title, columns, [_time_row(result) for result in results])


def show_processor_times(results: Sequence[SizeResult]) -> None:
    """Show processor seconds, which a busy machine changes less."""
    rows = [
        [
            f"{result.items:,}",
            result.kind,
            *(_processor_seconds(result, name) for name in (NEW, OLD, TEXTBOOK, result.best_fixed)),
        ]
        for result in results
    ]
    columns = ["items", "source", NEW, OLD, TEXTBOOK, "best fixed"]
    show("Processor seconds, medians; those of polling are in them", columns, rows)


def _processor_seconds(result: SizeResult, name: str | None) -> str:
    return f"{result.times[name].cpu:.2f}" if name in result.times else ""


def _time_row(result: SizeResult) -> list[str]:
    new = result.times[NEW]
    textbook_budget = TEXTBOOK_BUDGET if result.items >= TEXTBOOK_FROM else None
    return [
        f"{result.items:,}",
        result.kind,
        f"{new.seconds:.2f}",
        f"{new.noise:.0%}",
        _seconds(result.times, OLD),
        _ratio(result.ratio(OLD)),
        _seconds(result.times, TEXTBOOK),
        _ratio(result.ratio(TEXTBOOK), textbook_budget),
        _fixed(result),
        _ratio(result.ratio(result.best_fixed), FIXED_BUDGET),
    ]


def _fixed(result: SizeResult) -> str:
    best = result.best_fixed
    return f"{result.times[best].seconds:.2f} ({int(best):,})" if best else ""


def show_counts(results: Sequence[SizeResult]) -> None:
    """Show what each run took, and how operations grow with activities."""
    rows = []
    for result in results:
        for side, counts in result.counts.items():
            budget = _operations_budget(result.items) if side == NEW else None
            name = [f"{result.items:,}", result.kind, side]
            cells = _count_cells(counts, budget, _messages_budget(counts))
            rows.append([*name, *cells, _modelled_activities(result.items)])
    budgets = ", ".join(f"{most} up to {n:,} items" for n, most in OPERATIONS_BUDGETS.items())
    title = (
        f"What one run took; budgets: storage operations {budgets}; messages in a row "
        f"{BATCH_MESSAGES_BUDGET} for one batch, {WAVE_MESSAGES_BUDGET} for one wave. "
        "CPU: of host, workers and Azurite, without polling. By the model: the activities that "
        "`azure_model` expects"
    )
    show(title, ["items", "source", "side", *COUNT_COLUMNS, "by the model"], rows)
    _show_growth(results)


def _modelled_activities(items: int) -> str:
    return f"{predict(Load(items, 0.0), Setup()).activities:,}"


def _show_growth(results: Sequence[SizeResult]) -> None:
    """Print the operations that each more activity takes, from the last budget's size on."""
    start = max(OPERATIONS_BUDGETS)
    for kind in dict.fromkeys(result.kind for result in results):
        runs = [r for r in results if r.kind == kind and r.items >= start]
        for fewer, more in pairwise(runs):
            before, after = fewer.counts[NEW], more.counts[NEW]
            activities = after.total_activities - before.total_activities
            operations = after.total_operations - before.total_operations
            growth = f"{operations} operations more, {activities} activities"
            if activities > 0:
                growth += f": {operations / activities:.1f} each, budget {GROWTH_BUDGET}"
            print(f"{kind}, {fewer.items:,} to {more.items:,} items: {growth}")


def show_report(result: ReportResult) -> None:
    """Show the report."""
    rows = [
        [name, f"{timing.seconds:.2f}", f"{timing.noise:.0%}", *_count_cells(result.counts[name])]
        for name, timing in result.times.items()
    ]
    title = (
        f"A report over {result.rows:,} rows of CSV; budgets: {REPORT_SECONDS_BUDGET} s, "
        f"{REPORT_ACTIVITIES_BUDGET} activities"
    )
    show(title, ["", "seconds", "spread", *COUNT_COLUMNS], rows)


def show_waiting(results: Sequence[WaitResult]) -> None:
    """Show items that take their time, beside the ideal."""
    rows = []
    for result in results:
        fixed = result.times["fixed part"].seconds
        for side, counts in result.counts.items():
            over = _ratio(result.over_ideal(side), result.budget if side == NEW else None)
            cells = [f"{result.times[side].seconds:.1f}", f"{result.ideal:.1f} + {fixed:.2f}"]
            activities = str(counts.total_activities)
            rows.append([result.name, side, *cells, over, str(result.budget), activities])
    columns = ["64 at once", "side", "seconds", "ideal + fixed", "over ideal", "budget"]
    show("Items that take their time", [*columns, "activities"], rows)


def _count_cells(
    counts: Counts, operations: int | None = None, messages: int | None = None
) -> list[str]:
    return [
        _limited(counts.total_operations, operations),
        str(counts.total_activities),
        str(counts.turns),
        str(counts.entity_calls),
        str(sum(counts.events.values())),
        _limited(counts.messages, messages),
        f"{counts.cpu:.2f}",
    ]


def _operations_budget(items: int) -> int | None:
    return next((OPERATIONS_BUDGETS[n] for n in sorted(OPERATIONS_BUDGETS) if items <= n), None)


def _messages_budget(counts: Counts) -> int | None:
    """The budget of a run of one batch, or of one wave; there is none for more."""
    if counts.activities.get(PROCESS_BATCH, 0) <= 1:
        return BATCH_MESSAGES_BUDGET
    return WAVE_MESSAGES_BUDGET if counts.waves == 1 else None


def _limited(count: int, budget: int | None) -> str:
    return f"{count}{'' if budget is None or count <= budget else ' > ' + str(budget)}"


def _ratio(ratio: float | None, budget: float | None = None) -> str:
    if ratio is None:
        return ""
    mark = "" if budget is None or ratio <= budget else " !"
    return f"{ratio:.2f}{mark}"


def _seconds(times: Mapping[str, Timing], name: str) -> str:
    return f"{times[name].seconds:.2f}" if name in times else ""
