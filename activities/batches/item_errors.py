"""Why an item failed, as its outcome says it."""

from pydantic import ValidationError

from fanout.errors import PermanentError, TransientError
from fanout.models.outcome import ErrorInfo
from fanout.naming.error_types import ErrorType
from fanout.records import Record

MAX_MESSAGE_CHARACTERS = 2000


def error_info(error: Exception) -> ErrorInfo:
    """Describe what a workload raised; anything but a `PermanentError` is worth another try."""
    return ErrorInfo(
        type=type(error).__name__,
        message=str(error)[:MAX_MESSAGE_CHARACTERS],
        retryable=not isinstance(error, PermanentError),
        retry_after=error.retry_after if isinstance(error, TransientError) else None,
    )


def invalid_item(record: Record, invalid: ValidationError) -> ErrorInfo:
    """Describe what an item's model refused: every field, and the line of the source."""
    where = f"line {record.line}: " if record.line is not None else ""
    faults = (
        f"{'.'.join(map(str, fault['loc'])) or 'item'}: {fault['msg']}"
        for fault in invalid.errors(include_url=False, include_context=False, include_input=False)
    )
    message = (where + "; ".join(faults))[:MAX_MESSAGE_CHARACTERS]
    return ErrorInfo(type=ErrorType.ITEM_VALIDATION, message=message)
