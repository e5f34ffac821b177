"""Which errors a worker of Azure Functions can tell its host."""

import traceback
from collections.abc import Iterator


def can_be_told(error: BaseException) -> bool:
    """Tell whether a worker can write down an error with all that it came of."""
    try:
        # A group may hold so many that nobody could ever write them all.
        odd = StopIteration | BaseExceptionGroup
        if not isinstance(error, Exception) or any(isinstance(e, odd) for e in _chain(error)):
            return False
        "".join(traceback.format_exception(error)).encode()
    except BaseException:  # noqa: BLE001  an error's class and text are user code, too
        return False
    return True


def _chain(error: BaseException) -> Iterator[BaseException]:
    """An error and what it came of, nearest first."""
    seen: set[int] = set()
    following: BaseException | None = error
    while following is not None and id(following) not in seen:
        seen.add(id(following))
        yield following
        following = following.__cause__ or following.__context__
