"""Items of records, for maps and sagas alike."""

from typing import Any

from pydantic import BaseModel

from activities.batches.item_parser import ParsedItem, parse_item
from fanout.models.outcome import ErrorInfo
from fanout.records import Record
from fanout.workload import Context, MapWorkload


class Item(BaseModel):
    name: str


class Named(MapWorkload[Item, Any]):
    name = "named"
    item_model = Item

    def item_id(self, item: Item) -> str | None:
        if item.name == "odd":
            raise ValueError("no name for it")
        return item.name or None

    def process(self, item: Item, context: Context[Any]) -> None:
        """Do nothing."""


def parse(value: Any, error: ErrorInfo | None = None) -> ParsedItem:
    return parse_item(Named(), Record(7, 3, value, error))


def test_an_item_has_its_own_name_or_else_its_index():
    assert parse({"name": "a"}) == ParsedItem("a", Item(name="a"))
    assert parse({"name": ""}) == ParsedItem("7", Item(name=""))


def test_a_record_that_is_no_item_says_why():
    fault = ErrorInfo(type="RecordError", message="no JSON")
    assert parse(None, fault) == ParsedItem("7", error=fault)
    invalid = parse({"nam": 1})
    assert (invalid.item_id, invalid.item) == ("7", None)
    assert invalid.error is not None and invalid.error.type == "ItemValidationError"
    assert invalid.error.message.startswith("line 3: name: ")
    odd = parse({"name": "odd"}).error
    assert odd is not None and (odd.type, odd.retryable) == ("ValueError", True)
