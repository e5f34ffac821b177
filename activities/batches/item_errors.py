"""Why an item failed, as its outcome says it: whatever was raised, its description can be kept."""

from typing import Any

from pydantic import ValidationError

from fanout.adapters.sources.blobs import BrokenSourceError
from fanout.errors import PermanentError, SourceChangedError, TransientError
from fanout.models.outcome import ErrorInfo
from fanout.naming.error_types import ErrorType
from fanout.outcomes.outputs import OutputError
from fanout.printable import describe_error, make_printable, name_type
from fanout.records import Record

MAX_MESSAGE_CHARACTERS = 2000
MAX_TYPE_CHARACTERS = 200
# As long as a retry policy may wait, and no date overflows by it.
MAX_RETRY_AFTER_SECONDS = 86_400.0
# Of an exception group, and of groups within groups: five to the third are read at most.
_MAX_MEMBERS = 5
_MAX_LEVELS = 3


def error_info(error: BaseException) -> ErrorInfo:
    """Describe what a workload raised; anything but a `PermanentError` is worth another try."""
    is_transient = is_kind(error, TransientError)
    return ErrorInfo(
        type=error_type(error),
        message=_message(error)[:MAX_MESSAGE_CHARACTERS],
        retryable=not is_kind(error, PermanentError),
        retry_after=_retry_after(error) if is_transient else None,
    )


def is_kind(error: BaseException | None, kind: type[BaseException]) -> bool:
    """Tell whether an error is of a class, as `except` does; `isinstance` runs user code."""
    return issubclass(type(error), kind)


def source_fault(error: SourceChangedError | BrokenSourceError) -> ErrorInfo:
    """Describe why the items of a batch cannot be read as they were planned."""
    is_changed = isinstance(error, SourceChangedError)
    name = type(error).__name__ if is_changed else ErrorType.SOURCE_BLOB
    return ErrorInfo(type=name, message=str(error))


def error_type(error: BaseException) -> str:
    """The name of an error's class."""
    return name_type(error)[:MAX_TYPE_CHARACTERS]


def is_plain(error: ErrorInfo) -> bool:
    """Tell whether an error that a workload has made can be written as it is."""
    is_short = (
        len(error.message) <= MAX_MESSAGE_CHARACTERS and len(error.type) <= MAX_TYPE_CHARACTERS
    )
    return is_short and error.message.isascii() and error.type.isascii()


def make_plain_error(error: ErrorInfo) -> ErrorInfo:
    """Check an error that a workload has made, and cut its texts."""
    return ErrorInfo(
        type=error.type[:MAX_TYPE_CHARACTERS],
        message=error.message[:MAX_MESSAGE_CHARACTERS],
        retryable=error.retryable,
        retry_after=error.retry_after,
    )


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


def _message(error: BaseException, level: int = 1) -> str:
    """The text of an error; that of a group names its members, and those of groups among them."""
    text = describe_error(error)[:MAX_MESSAGE_CHARACTERS]
    if not is_kind(error, BaseExceptionGroup) or level > _MAX_LEVELS:
        return text
    inner = _members(error)
    members = [f"{error_type(e)}: {_message(e, level + 1)}" for e in inner[:_MAX_MEMBERS]]
    return f"{text}: {'; '.join(members)}"


def _members(group: Any) -> tuple[BaseException, ...]:
    # The attribute as Python keeps it: a class of its own may make another of it.
    members: tuple[BaseException, ...] = BaseExceptionGroup.exceptions.__get__(group)
    return members


def _retry_after(error: Any) -> float | None:
    """How long to wait, if that is a time: it comes from another service, or from a workload."""
    try:
        seconds = float(error.retry_after)  # an error with a constructor of its own may have none
        return min(seconds, MAX_RETRY_AFTER_SECONDS) if seconds >= 0 else None
    except BaseException:  # noqa: BLE001  whatever stands there is user code
        return None
