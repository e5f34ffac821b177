"""Requests that do not wait for each other, made at the same time."""

from collections.abc import Callable
from concurrent.futures import Future
from typing import Any

from fanout.threads import ContextPool

# Of a process; what exceeds it waits its turn.
MAX_THREADS = 16
_threads = ContextPool(MAX_THREADS, "side-by-side")


def side_by_side(*calls: Callable[[], Any]) -> list[Any]:
    """Make calls at the same time, the last one in the thread of the caller.

    None of them may do the same: threads that wait for threads may wait for ever.

    Args:
        calls: Each makes requests.

    Returns:
        What they came to, in order.

    Raises:
        Exception: One of them failed: the first in order. All have ended by then.
    """
    if not calls:
        return []
    others = [_threads.submit(call) for call in calls[:-1]]
    last: Future[Any] = Future()
    try:
        last.set_result(calls[-1]())
    except BaseException as error:  # noqa: BLE001  raised below, when the others have ended
        last.set_exception(error)
    futures = [*others, last]
    for future in futures:
        future.exception()
    return [future.result() for future in futures]
