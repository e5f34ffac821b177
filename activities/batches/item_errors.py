"""Why an item failed, as its outcome says it: whatever was raised, its description can be kept."""

from typing import Any

from pydantic import ValidationError

from fanout.adapters.sources.blobs import BrokenSourceError
from fanout.errors import PermanentError, SourceChangedError, TransientError
from fanout.models.outcome import ErrorInfo
from fanout.naming.error_types import ErrorType
from fanout.outcomes.outputs import OutputError
from fanout.printable import describe_error, make_printable
from fanout.records import Record

MAX_MESSAGE_CHARACTERS = 2000
MAX_TYPE_CHARACTERS = 200
# As long as a retry policy may wait, and no date overflows by it.
MAX_RETRY_AFTER_SECONDS = 86_400.0
# Of an exception group.
_MAX_MEMBERS = 5


def error_info(error: BaseException) -> ErrorInfo:
    """Describe what a workload raised; anything but a `PermanentError` is worth another try."""
    return ErrorInfo(
        type=error_type(error),
        message=_message(error)[:MAX_MESSAGE_CHARACTERS],
        retryable=not isinstance(error, PermanentError),
        retry_after=_retry_after(error) if isinstance(error, TransientError) else None,
    )


def source_fault(error: SourceChangedError | BrokenSourceError) -> ErrorInfo:
    """Describe why the items of a batch cannot be read as they were planned."""
    is_changed = isinstance(error, SourceChangedError)
    name = type(error).__name__ if is_changed else ErrorType.SOURCE_BLOB
    return ErrorInfo(type=name, message=str(error))


def error_type(error: BaseException) -> str:
    """The name of an error's class."""
    return make_printable(type(error).__name__[:MAX_TYPE_CHARACTERS])


def output_fault(error: OutputError) -> ErrorInfo:
    """Describe an output that is no JSON."""
    return ErrorInfo(type=ErrorType.OUTPUT, message=describe_error(error)[:MAX_MESSAGE_CHARACTERS])


def invalid_item(record: Record, invalid: ValidationError) -> ErrorInfo:
    """Describe what an item's model refused: every field, and the line of the source."""
    where = f"line {record.line}: " if record.line is not None else ""
    faults = (
        f"{'.'.join(map(str, fault['loc'])) or 'item'}: {fault['msg']}"
        for fault in invalid.errors(include_url=False, include_context=False, include_input=False)
    )
    message = make_printable((where + "; ".join(faults))[:MAX_MESSAGE_CHARACTERS])
    return ErrorInfo(type=ErrorType.ITEM_VALIDATION, message=message)


def _message(error: BaseException) -> str:
    """The text of an error; that of a group names its members."""
    text = describe_error(error)
    if not isinstance(error, BaseExceptionGroup):
        return text
    members = [f"{error_type(e)}: {_message(e)}" for e in error.exceptions[:_MAX_MEMBERS]]
    return f"{text}: {'; '.join(members)}"


def _retry_after(error: TransientError) -> float | None:
    """How long to wait, if that is a time: it comes from another service, or from a workload."""
    wait: Any = error.retry_after
    try:
        seconds = float(wait)
    except (TypeError, ValueError, OverflowError):
        return None
    return min(seconds, MAX_RETRY_AFTER_SECONDS) if seconds >= 0 else None
