"""What an HTTP response means for an item."""

from fanout.errors import PermanentError, TransientError
from fanout.retry_after import parse_retry_after

_RETRIABLE_STATUSES = (408, 425, 429)


def require_success(service: str, status: int, retry_after: str | None) -> None:
    """Return if the response says that the message was accepted.

    Args:
        service: Who responded, for the message of the error.
        status: The status of the response; a redirect is not followed and counts as a refusal.
        retry_after: The header of that name.

    Raises:
        TransientError: 408, 425, 429 or 5xx; with the seconds of `retry_after`.
        PermanentError: Any other that is not 2xx.
    """
    if 200 <= status < 300:
        return
    if status in _RETRIABLE_STATUSES or status >= 500:
        raise TransientError(f"{service} answered {status}", parse_retry_after(retry_after))
    is_redirect = 300 <= status < 400
    ending = ": redirects are not followed" if is_redirect else ""
    raise PermanentError(f"{service} answered {status}{ending}")
