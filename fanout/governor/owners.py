"""Whose a run is, and in which order those that wait get places, so that each owner has a share.

A place goes to the caller who has the fewest, among the runs of that caller to the workload that
has the fewest, and among those to the run that has waited longest. So who has hundreds of runs and
who has one get places in turn. Nobody waits for ever as long as runs end: who gets no place has
fewer and fewer, and then only those that came before go first.

Source: max-min fairness, https://en.wikipedia.org/wiki/Max-min_fairness
"""

import hashlib
import heapq
from collections import Counter, deque
from collections.abc import Iterable, Iterator, Mapping

DIGEST_BYTES = 8
# What is not known of runs that an earlier version of the app has let wait.
NOBODY = ""


def owner_of(workload: str, caller: str = "") -> str:
    """The owner of a run: its workload, and a digest of the caller who started it.

    Args:
        workload: Its workload.
        caller: Who has signed in to start it; nothing where nobody did. No row has the name.
    """
    if not caller:
        return workload
    digest = hashlib.blake2b(caller.encode(), digest_size=DIGEST_BYTES).hexdigest()
    return f"{workload} {digest}"


class Holdings:
    """How many places each owner has, and each caller.

    Args:
        owners: Of each place.
    """

    def __init__(self, owners: Iterable[str]) -> None:
        self._owners = Counter(owners)
        self._callers: Counter[str] = Counter()
        for owner, places in self._owners.items():
            self._callers[_caller(owner)] += places

    def add(self, owner: str) -> None:
        """Count one place more."""
        self._owners[owner] += 1
        self._callers[_caller(owner)] += 1

    def counts(self, owner: str) -> tuple[int, int]:
        """How many places the caller of an owner has, and how many of them the owner."""
        return self._callers[_caller(owner)], self._owners[owner]


def fair_order(
    waiting: Iterable[str], owners: Mapping[str, str], running: Iterable[str]
) -> Iterator[str]:
    """Give runs in the order in which they would get places, if none of those that go on ended.

    Args:
        waiting: Runs that wait, in the order in which they came.
        owners: Of the runs, as far as they are known.
        running: Those that have places.
    """
    holdings = Holdings(owners.get(instance, NOBODY) for instance in running)
    lines: dict[str, deque[tuple[int, str]]] = {}
    for number, instance in enumerate(waiting):
        lines.setdefault(owners.get(instance, NOBODY), deque()).append((number, instance))
    heads = [(*holdings.counts(owner), line[0][0], owner) for owner, line in lines.items()]
    heapq.heapify(heads)
    while heads:
        owner = heads[0][-1]
        line = lines[owner]
        head = (*holdings.counts(owner), line[0][0], owner)
        if head != heads[0]:  # its caller has got a place since; counts only grow
            heapq.heapreplace(heads, head)
            continue
        yield line.popleft()[1]
        holdings.add(owner)
        if line:
            heapq.heapreplace(heads, (*holdings.counts(owner), line[0][0], owner))
        else:
            heapq.heappop(heads)


def first_of_owners(
    waiting: Iterable[str], owners: Mapping[str, str], running: Iterable[str]
) -> list[str]:
    """The run that has waited longest of each owner who has no place."""
    served = {owners.get(instance, NOBODY) for instance in running}
    first: dict[str, str] = {}
    for instance in waiting:
        first.setdefault(owners.get(instance, NOBODY), instance)
    return [instance for owner, instance in first.items() if owner not in served]


def _caller(owner: str) -> str:
    return owner.partition(" ")[2]
