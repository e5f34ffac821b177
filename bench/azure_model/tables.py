"""The model's tables: what is to be expected, what settings change, and where it ends."""

from collections.abc import Iterable, Sequence

from bench.azure_model import facts
from bench.azure_model.facts import FACTS
from bench.azure_model.prediction import Backend, Limit, Prediction, Setup, predict
from bench.azure_model.scheme import Load
from bench.measure import show
from fanout.governor.wave_size import TARGET_BATCH_MS
from fanout.models.request import MAX_BATCHES_AT_ONCE
from fanout.splitting.sizing import MAX_BATCH_ITEMS
from orchestrators.waves import EVENT_BUDGET

BOX_SECONDS = TARGET_BATCH_MS / 1000
SIZES = [10**exponent for exponent in range(3, 10)]
# Seconds of an item, and whether it computes; items that wait call somebody else.
ITEMS = [(0.001, True), (0.1, False), (10.0, False)]
COLUMNS = ["seconds", "instances", "activities", "events", "messages", "hub op.", "data op.", "USD"]

WIDE = Setup(batches=1_600)
SETUPS = {
    "Azure Storage, default settings": Setup(),
    "Azure Storage, 1,600 batches in flight": WIDE,
    "Scheduler, Consumption, 1,600 batches in flight": Setup(Backend.CONSUMPTION, batches=1_600),
    "Scheduler, 3 capacity units, 6,400 batches, quota of 400 cores": Setup(
        Backend.DEDICATED, batches=6_400, instances=400, quota=400
    ),
}
# What to set, one after the other, for items that wait and for items that compute.
WAITING_STEPS = {
    "default": Setup(),
    "concurrency.batches 1,600": WIDE,
    "... 6,400, 400 instances, quota 400": Setup(batches=6_400, instances=400, quota=400),
    "... partitionCount 16": Setup(batches=6_400, instances=400, quota=400, partitions=16),
}
COMPUTING_STEPS = {
    "default": Setup(),
    "maxConcurrentActivityFunctions 2": Setup(at_once=2),
    "... concurrency.batches 500": Setup(at_once=2, batches=500, instances=250),
    "... 2,000, 1,000 instances, quota 1,000": Setup(
        at_once=2, batches=2_000, instances=1_000, quota=1_000
    ),
}
MOVES = {
    Limit.STEPS: "nothing: start, first box and end, one after the other",
    Limit.SCALE_OUT: "durableAlwaysReady, so that instances are there before the run",
    Limit.CORES: "maxConcurrentActivityFunctions down (more instances are asked for), "
    "maximumInstanceCount, the region's quota, instanceMemoryMB 4096",
    Limit.PLACES: "maxConcurrentActivityFunctions up, with threads; maximumInstanceCount",
    Limit.WIDTH: "concurrency.batches (6,400 at most); async process, 32 items at once",
    Limit.WAVES: "batch.max_items up; fewer batches a wave",
    Limit.TURNS: "partitionCount (16 at most, for a new hub); the Scheduler",
    Limit.QUEUE: "larger batches; by design: hubs side by side, since a hub has one such queue",
    Limit.HUB: "larger batches; by design: hubs on accounts of their own",
    Limit.ACTIONS: "capacity units (3 at most); larger batches; by design: schedulers side by side",
    Limit.ROWS: "wider waves: more batches in flight for each shard",
    Limit.DATA: "larger batches; by design: runs spread over accounts",
    Limit.SCAN: "Parquet, which needs no scan; more instances",
    Limit.FAN_IN: "FANOUT_MAX_RESULT_FILE_BYTES down; by design: more than 24 ranges at once",
}


def show_facts() -> None:
    """Show what the model rests on."""
    rows = [[fact.name, f"{fact.value:g}", fact.unit, fact.source] for fact in FACTS]
    show("What the model takes as given", ["", "value", "unit", "source"], rows)


def show_predictions() -> None:
    """Show each size and item time in each setup."""
    for name, setup in SETUPS.items():
        rows = [
            [_name_load(load), *_cells(predict(load, setup))]
            for load in (Load(n, *item) for item in ITEMS for n in SIZES)
        ]
        show(name, ["items", *COLUMNS, "limit"], rows)


def show_steps() -> None:
    """Show what settings change, one after the other."""
    waiting = [Load(10**6, 0.1), Load(10**9, 0.1), Load(10**6, 10.0), Load(10**9, 10.0)]
    waiting += [Load(10**9, 10.0, items_at_once=32)]
    _show_ladder("Items that wait", WAITING_STEPS, waiting)
    _show_ladder("Items that compute", COMPUTING_STEPS, [Load(10**n, 0.001, True) for n in (6, 9)])


def _show_ladder(title: str, steps: dict[str, Setup], loads: Sequence[Load]) -> None:
    rows = []
    for load in loads:
        for name, setup in steps.items():
            prediction = predict(load, setup)
            cells = [name, _time(prediction.total_seconds), prediction.instances]
            rows.append([_name_load(load), *cells, prediction.limit, _next(prediction)])
    show(title, ["items", "settings", "time", "instances", "limit", "then"], rows)


def show_limits() -> None:
    """Show what moves each limit, and where a design has to."""
    show("What moves a limit", ["limit", "by"], [[limit, MOVES[limit]] for limit in Limit])


def show_ceilings() -> None:
    """Show how many batches a second each limit allows at most, whatever is set."""
    turn = facts.TURN_SECONDS.value + EVENT_BUDGET / 2 * facts.REPLAY_SECONDS.value
    a_core = facts.ANSWERS_A_TURN.value / turn
    operations = facts.BATCH_READS.value + facts.BATCH_WRITES.value
    ceilings = {
        Limit.WIDTH: MAX_BATCHES_AT_ONCE / BOX_SECONDS,
        "turns of orchestrators, 8 partitions": 8 * a_core,
        "turns of orchestrators, 16 partitions": 16 * a_core,
        Limit.QUEUE: facts.QUEUE.value,
        Limit.HUB: facts.HUB_ACCOUNT.value / facts.ACTIVITY_OPERATIONS.value,
        "scheduler's actions, Consumption": facts.SCHEDULER_CONSUMPTION.value / 2,
        "scheduler's actions, 3 units": 3 * facts.SCHEDULER_UNIT.value / 2,
        Limit.DATA: facts.BLOB_ACCOUNT.value / operations,
    }
    rows = [
        [name, f"{rate:,.0f}", f"{rate * BOX_SECONDS:,.0f}", f"{rate * MAX_BATCH_ITEMS:,.0f}"]
        for name, rate in sorted(ceilings.items(), key=lambda pair: pair[1])
    ]
    columns = ["limit", "batches/s", f"in flight at {BOX_SECONDS:.0f} s", "items/s at most"]
    show("Ceilings of one hub and one account, if instances are no limit", columns, rows)


def _next(prediction: Prediction) -> str:
    """What takes most of the time besides."""
    others = {k: v for k, v in prediction.seconds.items() if k is not prediction.limit and v}
    if not others:
        return ""
    limit = max(others, key=lambda limit: others[limit])
    return f"{limit} {others[limit] / prediction.total_seconds:.0%}"


def _name_load(load: Load) -> str:
    unit = (
        f"{load.item_seconds:g} s" if load.item_seconds >= 1 else f"{load.item_seconds * 1e3:g} ms"
    )
    kind = "CPU" if load.computes else "wait"
    together = f", {load.items_at_once} at once" if load.items_at_once > 1 else ""
    return f"10^{len(str(load.items)) - 1} x {unit} {kind}{together}"


def _cells(prediction: Prediction) -> Iterable[object]:
    numbers = [
        prediction.instances,
        prediction.activities,
        prediction.events.total(),
        prediction.messages,
        prediction.hub_operations,
        prediction.data_operations,
    ]
    cells = [_short(number) for number in numbers]
    return [
        _time(prediction.total_seconds),
        *cells,
        f"{prediction.dollars:.2g}" if prediction.dollars < 10 else f"{prediction.dollars:,.0f}",
        prediction.limit,
    ]


def _time(seconds: float) -> str:
    for unit, length in (("d", 86_400), ("h", 3_600), ("min", 60)):
        if seconds >= 2 * length:
            return f"{seconds / length:.1f} {unit}"
    return f"{seconds:.1f} s"


def _short(number: float) -> str:
    for unit, size in (("G", 1e9), ("M", 1e6), ("k", 1e3)):
        if number >= 10 * size or (unit != "k" and number >= size):
            return f"{number / size:.3g}{unit}"
    return f"{number:.0f}"
