"""Runs at every moment of their lives at which a new version of the app may meet them."""

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tests.support.hosts.product import Product
from tests.support.releases.released_work import HELD, MISSED
from tests.support.workloads.errand_workloads import Journal

Status = dict[str, Any]
FEW, MANY = 12, 180
LAST_OF_MANY = 170
AT_ONCE = {"base_seconds": 0.01, "factor": 1, "max_seconds": 0.01, "jitter_seconds": 0.01}
RESTS = {"base_seconds": 5, "factor": 1, "max_seconds": 5, "jitter_seconds": 0, "max_attempts": 20}
ROWS = 600


def has_entered(what: str, times: int = 1) -> Callable[[Status, Journal], bool]:
    """Tell whether the journal says something so often."""
    return lambda _, journal: journal.calls(what).total() >= times


def is_held(_: Status, journal: Journal) -> bool:
    """Tell whether a call is held."""
    return bool(journal.calls(HELD))


@dataclass(frozen=True)
class Moment:
    """A run, and where in its life it is when its app is replaced.

    Attributes:
        items: Its parcels, without their ids.
        asked: What its request says besides.
        is_reached: Tells by its status and its journal whether it is there.
        is_redriven: Whether it has ended before, and is in its second attempt.
        told: What it is told when it is there, by the earlier version; and then by the later one.
        outcome: How it ends.
        counts: How many of its items end so, all others pending.
    """

    items: list[dict[str, Any]]
    asked: Mapping[str, Any] = field(default_factory=dict)
    is_reached: Callable[[Status, Journal], bool] = is_held
    told: tuple[str, str] = ("", "")
    is_redriven: bool = False
    outcome: str = "succeeded"
    counts: Mapping[str, int] | None = None

    @property
    def ends(self) -> Mapping[str, int]:
        """How many items end how."""
        return self.counts if self.counts is not None else {"succeeded": len(self.items)}

    def request(self, journal: Journal) -> dict[str, Any]:
        """What is sent to start the run."""
        items = [{"id": number} | item for number, item in enumerate(self.items)]
        return {
            "workload": "parcels",
            "source": {"kind": "inline", "items": items},
            "parameters": {"journal": str(journal.path)},
            "batch": {"max_items": 1},
            "concurrency": {"batches": 2},
            "retry": AT_ONCE,
        } | dict(self.asked)


def parcels(count: int, **odd: Mapping[str, Any]) -> list[dict[str, Any]]:
    """So many parcels, of which some are odd, by `at_` and their number."""
    return [dict(odd.get(f"at_{number}", {})) for number in range(count)]


HOLDING = {"held": "process"}
UNDONE = {"compensated": FEW - 1, "failed": 1}
# In this order they get there, and those that are held stay there until all are.
MOMENTS: dict[str, Moment] = {
    "in its first batch, which its beginning carries out": Moment(
        parcels(FEW, at_0=HOLDING), {"batch": {"max_items": 4}}
    ),
    "in a batch": Moment(parcels(FEW, at_8=HOLDING)),
    "in the batches of many shards": Moment(
        parcels(FEW * 8, at_30=HOLDING, at_60=HOLDING), {"concurrency": {"batches": 40}}
    ),
    "in a later history, for it has continued as new": Moment(
        parcels(MANY, **{f"at_{LAST_OF_MANY}": HOLDING}), {"concurrency": {"batches": 12}}
    ),
    "at rest between two rounds of tries": Moment(
        [{"is_busy": True}] * FEW,
        {"retry": RESTS, "concurrency": {"batches": FEW}},
        has_entered(MISSED, FEW),
    ),
    "suspended": Moment(
        parcels(FEW, at_3=HOLDING),
        {"concurrency": {"batches": 1}},
        told=("suspend", "resume"),
    ),
    "about to be cancelled": Moment(
        parcels(FEW, at_2=HOLDING),
        {"concurrency": {"batches": 1}, "batch": {"max_items": 1}},
        told=("cancel", ""),
        outcome="cancelled",
        counts={"succeeded": 3},
    ),
    "while it undoes what it has done": Moment(
        parcels(FEW, at_4={"held": "undo"}, at_11={"is_bad": True}),
        {"concurrency": {"batches": 1}, "on_exceeded": "compensate"},
        outcome="compensated",
        counts=UNDONE,
    ),
    "in a step of a saga": Moment(
        parcels(FEW, at_5={"held": "send"}), {"workload": "consignments", "batch": {"max_items": 3}}
    ),
    "while a saga undoes a step": Moment(
        parcels(FEW, at_5={"held": "undo collect", "is_bad": True}),
        {
            "workload": "consignments",
            "batch": {"max_items": 3},
            "tolerance": {"count": 1},
        },
        outcome="partially_succeeded",
        counts={"succeeded": FEW - 1, "compensated": 1},
    ),
    "while its results are made": Moment([], {"workload": "weights"}, counts={"succeeded": ROWS}),
    "at rest, for its rate is limited": Moment(
        parcels(FEW),
        {"concurrency": {"batches": 2, "items_per_second": 1}},
        has_entered("process", 2),
    ),
    "while it waits for its turn": Moment(
        parcels(FEW), is_reached=lambda status, _: status["phase"] == "queued"
    ),
}
# By itself: a process works on two batches of sagas at once, and holds those of two moments above.
REDRIVEN_SAGA = Moment(
    parcels(FEW, at_5={"held": "undo collect", "is_bad": True, "is_stuck": True}),
    {
        "workload": "consignments",
        "batch": {"max_items": 3},
        "tolerance": {"count": 1},
    },
    is_redriven=True,
    outcome="partially_succeeded",
    counts={"succeeded": FEW - 1, "compensated": 1},
)


@dataclass
class Life:
    """A run of a moment, under whichever version there is."""

    moment: Moment
    journal: Journal
    run_id: str = ""

    def start(self, product: Product) -> None:
        """Have it begin."""
        asked = self.moment.request(self.journal)
        if asked["workload"] == "weights":
            asked["source"] = product.source(b"kg\n" + b"".join(b"%d\n" % n for n in range(ROWS)))
            asked["parameters"]["held"] = "render"
            asked["batch"] = {"max_items": 20}
        answer = product.post(asked)
        assert answer.status == 202, answer.body
        self.run_id = answer.json["run_id"]

    def reach(self, product: Product, seconds: float) -> None:
        """Wait until it is at its moment, and tell it what it is told then."""
        if self.moment.is_redriven:
            before = product.done(self.run_id, seconds)
            assert before["items"]["compensation_failed"] == 1
            self.tell(product, "redrive")
        product.until(
            self.run_id, lambda status: self.moment.is_reached(status, self.journal), seconds
        )
        self.tell(product, self.moment.told[0])

    def tell(self, product: Product, what: str) -> None:
        """Tell it to do something, if there is anything to be told."""
        if what:
            path = f"/api/runs/{self.run_id}/{what}"
            answer = product.host.request("POST", path, b"")
            assert answer.status == 202, answer.body

    def insist_on_effects(self) -> None:
        """No effect was had twice, where a key takes effect once."""
        for what in {entry.what for entry in self.journal.entries()} - {HELD, MISSED}:
            assert set(self.journal.effects(what).values()) == {1}, what


def lives(folder: Path, names: Mapping[str, Moment]) -> dict[str, Life]:
    """A run for each moment, with a journal of its own."""
    return {
        name: Life(moment, Journal(folder / f"{number}.journal"))
        for number, (name, moment) in enumerate(names.items())
    }


def versions_of(product: Product, run_id: str) -> set[int]:
    """Which versions of the app have processed items of a run, by its results."""
    outputs = [outcome.output for outcome in product.outcomes(run_id)]
    return {output["version"] for output in outputs if isinstance(output, dict)}


def weight_of(product: Product, run_id: str) -> int:
    """What the rows weigh together, by the results of a run."""
    return int(json.loads(product.file(run_id, "weight.json").body)["kg"])
