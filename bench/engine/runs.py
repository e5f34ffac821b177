"""How long runs of each size take, on one instance and on more."""

import statistics
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from bench.engine.place import place, waiting
from bench.host import AskedHost
from bench.million import asked, expect_all, textbook, upload

WAITING = 200
# Looking takes some of the cores that a run is on, and a small run is over soon.
SMALL, SOON, LATER = 10_000, 0.1, 0.25


@dataclass(frozen=True)
class Taken:
    """What was measured.

    Attributes:
        what: "fanout", "textbook", or "waiting" for items of a second.
        samples: The seconds of each run, from the POST to the end.
    """

    what: str
    items: int
    instances: int
    samples: list[float]

    @property
    def seconds(self) -> float:
        """The median."""
        return statistics.median(self.samples)


def measure_sizes(
    folder: Path, sizes: Sequence[int], textbook_sizes: Sequence[int], times: int
) -> list[Taken]:
    """Runs of each size on one instance, and the textbook's fan-out."""
    with place(folder, 1) as one, one.asked() as host:
        run(host, 1, "warm-up")
        found = [taken("fanout", n, 1, times, partial(run, host, n)) for n in sizes]
        for n in textbook_sizes:
            found.append(taken("textbook", n, 1, times, partial(plain, host, n)))
    return found


def measure_instances(
    folder: Path, instances: Sequence[int], sizes: Sequence[int], items_of_a_second: int, times: int
) -> list[Taken]:
    """Runs on so many instances, of which more and more share one hub."""
    found: list[Taken] = []
    with place(folder, instances[0]) as several:
        for count in instances:
            several.grow(count)
            with several.asked() as host:
                run(host, 1, f"warm-up-on-{count}")
                found += (taken("fanout", n, count, times, partial(run, host, n)) for n in sizes)
                if n := items_of_a_second:
                    found.append(taken("waiting", n, count, times, partial(wait, host, n)))
    return found


def taken(what: str, items: int, instances: int, times: int, once: Callable[[str], float]) -> Taken:
    """Do it so often, each time under another name."""
    name = f"{what}-{items}-on-{instances}"
    found = Taken(what, items, instances, [once(f"{name}-{n}") for n in range(times)])
    print(f"  {what:>8} {items:>9,} items on {instances}: {found.seconds:.2f} s", flush=True)
    return found


def run(host: AskedHost, n: int, run_id: str) -> float:
    """Run over items that do nothing; the results are looked at after the clock stops."""
    blob = upload(host, n)
    seconds, state = host.run(asked(run_id, blob), SOON if n < SMALL else LATER)
    expect_all(host, state, n)
    return seconds


def wait(host: AskedHost, n: int, run_id: str) -> float:
    """Run over items of a second, one a batch."""
    seconds, state = host.run(waiting(run_id, n))
    if state["items"]["succeeded"] != n:
        raise SystemExit(f"the run ended {state['outcome']}: {state['items']}")
    return seconds


def plain(host: AskedHost, n: int, _: str) -> float:
    """The textbook's fan-out, which has no name."""
    return textbook(host, n)
