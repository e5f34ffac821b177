"""What a function may raise that Azure's worker does not answer; here it fails like all else.

Its handler catches `Exception`. What is none passes it by: two of these end the process, with the
others the call has no answer until `functionTimeout`. The same goes for a text that its messages
cannot carry, and for StopIteration, which an asyncio future does not take before Python 3.13.
"""

import sys

from localhost.texts import is_printable

_TAKES_STOP = sys.version_info >= (3, 13)
_NO_ANSWER = "Azure's worker never answers it, so that the call hangs until functionTimeout"


def describe_fate(error: BaseException, *, is_async: bool) -> str | None:
    """Say what becomes of a call in Azure, and what to do; None where it fails as it does here.

    Args:
        error: What the function raised.
        is_async: Whether it is a coroutine function, where Python makes a RuntimeError of some.
    """
    kind = type(error)
    if issubclass(kind, (SystemExit, KeyboardInterrupt)):
        return (
            "Azure's worker process ends of it, and with it every other call it runs. "
            "Raise a subclass of Exception instead."
        )
    if not issubclass(kind, Exception):
        return f"{_NO_ANSWER}, for it is no Exception. Catch it, and raise one that is."
    if kind is StopIteration and not is_async and not _TAKES_STOP:
        return f"{_NO_ANSWER} (before Python 3.13). Give next() a default, or catch it."
    if _has_surrogate(error):
        return (
            f"{_NO_ANSWER}, for its text has half of a surrogate pair, which UTF-8 has no bytes "
            "for. Write such text with ascii()."
        )
    return None


def _has_surrogate(error: BaseException) -> bool:
    try:
        text = str.__str__(str(error))
    except BaseException:  # noqa: BLE001  what has no text is answered with another one
        return False
    return not is_printable(text)
