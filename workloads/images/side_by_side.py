"""Read or write some files of a photo at once: storage answers each of them just as soon."""

from collections.abc import Callable, Sequence
from typing import TypeVar

from fanout.threads import ContextPool

Argument = TypeVar("Argument")
Result = TypeVar("Result")

FILES_AT_ONCE = 8


def call_side_by_side(
    function: Callable[[Argument], Result], arguments: Sequence[Argument]
) -> list[Result]:
    """Call a function with each argument, some at once; give the results in the same order.

    Raises:
        Exception: What the first of them raised that failed; all have ended then.
    """
    if not arguments:
        return []
    with ContextPool(min(FILES_AT_ONCE, len(arguments)), "files") as pool:
        calls = [pool.submit(function, argument) for argument in arguments]
    return [call.result() for call in calls]
