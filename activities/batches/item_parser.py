"""Items of records: what a workload's model and names make of them."""

from dataclasses import dataclass
from typing import Any

from pydantic import ValidationError

from activities.batches.item_errors import error_info, invalid_item, is_kind
from fanout.models.outcome import ErrorInfo
from fanout.records import Record
from fanout.workload import MapWorkload, SagaWorkload


@dataclass(frozen=True, slots=True)
class ParsedItem:
    """An item and its name, or why there is none."""

    item_id: str
    item: Any = None
    error: ErrorInfo | None = None


def parse_item(
    workload: MapWorkload[Any, Any] | SagaWorkload[Any, Any], record: Record
) -> ParsedItem:
    """Make the item of a record."""
    index = str(record.index)
    if record.error is not None:
        return ParsedItem(index, error=record.error)
    try:
        item = workload.item_model.model_validate(record.value)
        item_id = workload.item_id(item)
        return ParsedItem(index if item_id is None else _make_name(item_id), item)
    except BaseException as error:  # noqa: BLE001  validators and ids are user code too
        return ParsedItem(index, error=_describe(record, error))


def _make_name(item_id: Any) -> str:
    # An id with a lone surrogate can stand in no key and no file; of a class of its own, only the
    # text is kept.
    return str.encode(str(item_id)).decode()


def _describe(record: Record, error: BaseException) -> ErrorInfo:
    if is_kind(error, ValidationError) and isinstance(error, ValidationError):
        try:
            return invalid_item(record, error)
        except BaseException:  # noqa: BLE001  the text of a validator's error is user code
            return error_info(error)
    return error_info(error)
