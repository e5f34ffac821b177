"""What entities and transactions an output's JSON becomes."""

import pytest

from localhost.bindings.tables import batches, entity_of, operation_of, read_documents

KEYS = {"PartitionKey": "p", "RowKey": "r"}


def test_keys_of_the_entity_come_before_those_of_the_binding() -> None:
    assert entity_of({}, KEYS) == KEYS
    entity = entity_of({"partitionkey": 7, "ROWKEY": "mine"}, KEYS)
    assert entity == {"PartitionKey": "7", "RowKey": "mine"}


def test_a_key_may_neither_be_missing_nor_have_such_characters() -> None:
    with pytest.raises(ValueError, match="no RowKey"):
        entity_of({}, {"PartitionKey": "p", "RowKey": None})
    with pytest.raises(ValueError, match="'a#b'"):
        entity_of({"RowKey": "a#b"}, KEYS)


def test_objects_are_kept_as_their_json() -> None:
    assert entity_of({"o": {"a": [1]}}, KEYS)["o"] == '{\n  "a": [\n    1\n  ]\n}'


@pytest.mark.parametrize(
    ("etag", "kind"), [("*", "upsert"), ('W/"x"', "update"), ("", "create"), (None, "create")]
)
def test_the_etag_says_how_an_entity_is_written(etag: str | None, kind: str) -> None:
    operation = operation_of({**KEYS, **({} if etag is None else {"eTag": etag})})
    assert operation[0] == kind
    assert operation[1] == KEYS


def test_a_transaction_has_one_partition_no_row_twice_and_at_most_100() -> None:
    rows = [("a", "1"), ("b", "1"), ("a", "1"), ("a", "2")]
    entities = [{"PartitionKey": p, "RowKey": r} for p, r in rows]
    sizes = [[(e["PartitionKey"], e["RowKey"]) for e in batch] for batch in batches(entities)]
    assert sizes == [[("a", "1")], [("a", "1"), ("a", "2")], [("b", "1")]]
    many = [{"PartitionKey": "p", "RowKey": str(n)} for n in range(250)]
    assert [len(batch) for batch in batches(many)] == [100, 100, 50]


class Entity(dict[str, str]):
    """Counts how often somebody looks at its keys."""

    looks = 0

    def __getitem__(self, name: str) -> str:
        self.looks += 1
        return super().__getitem__(name)


def test_an_entity_is_not_looked_at_again_for_each_partition() -> None:
    many = [Entity(PartitionKey=str(n), RowKey="r") for n in range(50)]
    assert len(list(batches(many))) == 50  # type: ignore[arg-type]
    assert max(entity.looks for entity in many) <= 3


@pytest.mark.parametrize("value", ["text", "1", "[1]", 1, b"null"])
def test_what_is_no_entity_is_refused(value: object) -> None:
    with pytest.raises(ValueError, match="JSON of an entity"):
        read_documents(value)
