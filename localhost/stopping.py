"""How what calls functions of its own accord is stopped."""

import asyncio
from collections.abc import Sequence
from typing import Protocol


class Stoppable(Protocol):
    """What calls functions of its own accord; `stop` lets end what it has begun."""

    async def stop(self) -> None: ...


async def stop_together(triggers: Sequence[Stoppable]) -> None:
    """Stop them all at once, so that none takes anything more while another still ends.

    Raises:
        BaseExceptionGroup: What some failed with, once all the others have stopped.
    """
    ends = await asyncio.gather(*(one.stop() for one in triggers), return_exceptions=True)
    errors = [end for end in ends if end is not None]
    if errors:
        raise BaseExceptionGroup("not everything stopped as it should", errors)
