"""What a function came to, for those whose exceptions somebody else answers."""

import inspect
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, slots=True)
class Outcome:
    """What a function came to: the extension knows what to make of either."""

    value: Any = None
    error: Exception | None = None


def keep_outcome(call: Callable[..., Any]) -> Callable[..., Any]:
    """Wrap a function so that what it raises is at hand, with its type."""
    if inspect.iscoroutinefunction(call):

        async def keep_async(**arguments: Any) -> Outcome:
            try:
                return Outcome(await call(**arguments))
            except Exception as error:  # noqa: BLE001 - the extension answers it
                return Outcome(error=error)

        return keep_async

    def keep(**arguments: Any) -> Outcome:
        try:
            return Outcome(call(**arguments))
        except Exception as error:  # noqa: BLE001 - as above
            return Outcome(error=error)

    return keep
