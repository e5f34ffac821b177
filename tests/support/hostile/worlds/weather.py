"""Storage in memory whose next writes fail, or end the process, as a test has planned."""

from collections.abc import Callable
from typing import Any, Literal

from hypothesis import strategies as st

from tests.support.doubles.crashes import DeathError, Fuse
from tests.support.workloads.faulty_orders import refused_key

# What becomes of a write: the process dies, or storage refuses the key; before it is made or after.
Squall = Literal["die", "die after", "away", "away after"] | None
KINDS = ("die", "die after", "away", "away after")


class Weather(Fuse):
    """What becomes of the next writes, one after the other; then all are made."""

    def __init__(self) -> None:
        super().__init__()
        self.squalls: list[Squall] = []

    def burn(self, write: Callable[[], Any]) -> Any:
        squall = self.squalls.pop(0) if self.squalls else None
        if squall is None:
            return write()
        if squall.endswith("after"):
            write()
        raise DeathError if squall.startswith("die") else refused_key()


SQUALLS: st.SearchStrategy[list[Squall]] = st.lists(
    st.tuples(st.integers(0, 12), st.sampled_from(KINDS), st.sampled_from([1, 1, 2, 7, 40])),
    max_size=4,
).map(lambda storms: [s for calm, kind, many in storms for s in [None] * calm + [kind] * many])
