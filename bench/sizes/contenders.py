"""What takes turns: one run after the other of each, so that a busy machine is busy for all."""

import statistics
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial

from bench.measure import spread
from bench.million import run_textbook
from bench.sizes.sides import Request, Sample, Side, poll_seconds

Once = Callable[[], Sample]


@dataclass(frozen=True)
class Timing:
    """The samples of one contender."""

    samples: list[Sample]

    @property
    def seconds(self) -> float:
        """The median of seconds from POST to the end."""
        return statistics.median(sample.seconds for sample in self.samples)

    @property
    def cpu(self) -> float:
        """The median of processor seconds."""
        return statistics.median(sample.cpu for sample in self.samples)

    @property
    def noise(self) -> float:
        """Half the range over the median."""
        return spread([sample.seconds for sample in self.samples])


def run_once(side: Side, request: Request, items: int) -> Once:
    """A contender that carries out a run."""
    return partial(side.run, request, poll_seconds(items))


def textbook_once(side: Side, items: int) -> Once:
    """A contender that carries out the textbook's fan-out, until its results are in hand."""

    def once() -> Sample:
        before = side.host.cpu_seconds()
        seconds = run_textbook(side.host, items, poll_seconds(items))
        return Sample(seconds, side.host.cpu_seconds() - before)

    return once


def take_turns(contenders: Mapping[str, Once], times: int) -> dict[str, Timing]:
    """Let each run so often; another begins each round, and a first round does not count."""
    names = list(contenders)
    samples: dict[str, list[Sample]] = {name: [] for name in names}
    for number in range(times + 1):
        for name in _rotate(names, number):
            sample = contenders[name]()
            if number:
                samples[name].append(sample)
    return {name: Timing(taken) for name, taken in samples.items()}


def _rotate(names: Sequence[str], by: int) -> list[str]:
    by %= len(names)
    return [*names[by:], *names[:by]]
