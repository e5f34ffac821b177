"""What an HTTP response means for an item, and how long it asks us to wait."""

from datetime import UTC, datetime
from email.utils import parsedate_to_datetime

from fanout.errors import PermanentError, TransientError

_RETRIABLE_STATUSES = (408, 425, 429)
MAX_RETRY_AFTER_SECONDS = 3600.0


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
        raise TransientError(f"{service} answered {status}", retry_seconds(retry_after))
    is_redirect = 300 <= status < 400
    ending = ": redirects are not followed" if is_redirect else ""
    raise PermanentError(f"{service} answered {status}{ending}")


def retry_seconds(header: str | None, now: datetime | None = None) -> float | None:
    """Read `Retry-After`, seconds or a date (RFC 9110, 10.2.3); None if it is neither."""
    text = (header or "").strip()
    if text.isascii() and text.isdecimal():
        return min(float(text), MAX_RETRY_AFTER_SECONDS)
    try:
        date = parsedate_to_datetime(text)
    except ValueError:
        return None
    date = date if date.tzinfo else date.replace(tzinfo=UTC)
    wait = (date - (now or datetime.now(UTC))).total_seconds()
    return min(max(0.0, wait), MAX_RETRY_AFTER_SECONDS)
