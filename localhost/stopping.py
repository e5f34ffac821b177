"""How what calls functions of its own accord is stopped."""

import asyncio
import logging
from collections.abc import Sequence
from typing import Protocol

logger = logging.getLogger(__name__)


class Stoppable(Protocol):
    """What calls functions of its own accord; `stop` lets end what it has begun."""

    async def stop(self) -> None: ...


async def stop_together(triggers: Sequence[Stoppable]) -> None:
    """Stop them all at once, so that none takes anything more while another still ends.

    One that fails keeps neither the others nor the host from stopping; the log tells of it.
    """
    ends = await asyncio.gather(*(one.stop() for one in triggers), return_exceptions=True)
    for end in ends:
        if end is not None:
            logger.error("a trigger did not stop as it should", exc_info=end)
