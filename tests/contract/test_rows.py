"""What rows ask of Table storage, of the real one on Azurite and of the double alike."""

import secrets
from concurrent.futures import ThreadPoolExecutor

import pytest
from azure.core.exceptions import HttpResponseError
from pydantic import BaseModel

from fanout.adapters.rows.rows import CHUNK_CHARACTERS, Rows
from fanout.adapters.settings import StorageSettings
from fanout.adapters.tables import RowConflictError, RowRange, RowTables, TableStore, Write
from tests.support.doubles.memory_tables import MemoryTables


class Note(BaseModel):
    text: str = ""
    number: int = 0
    unset: int | None = 7


@pytest.fixture(params=["azurite", "memory"])
def tables(request: pytest.FixtureRequest) -> RowTables:
    if request.param == "memory":
        return MemoryTables()
    connection = request.getfixturevalue("storage")
    return TableStore.connect(StorageSettings(connection_string=connection))


@pytest.fixture
def rows(tables: RowTables) -> Rows:
    return Rows(tables, f"t{secrets.token_hex(6)}")


def etags(rows: Rows, partition: str = "p") -> dict[str, str]:
    return {key: row.etag for key, row in rows.read_all(partition).items()}


def load(rows: Rows, key: str, partition: str = "p") -> Note:
    return rows.load(partition, key, Note)


def write_many(rows: Rows, keys: list[str], partition: str = "p") -> None:
    for first in range(0, len(keys), 100):
        some = keys[first : first + 100]
        rows.write(partition, {key: Note(number=first) for key in some}, {})


def test_where_there_is_no_table_there_are_no_rows_and_nothing_to_delete(rows: Rows):
    assert load(rows, "a") == Note()
    assert rows.read_all("p") == {}
    rows.delete("p", ["a"])
    rows.delete("p", ["a", "b"])
    rows.clear("p")


def test_a_row_is_created_once_and_the_table_with_it(rows: Rows):
    assert rows.create("p", "a", Note(text="first"))
    assert not rows.create("p", "a", Note(text="second"))
    assert load(rows, "a").text == "first"


def test_a_row_that_there_is_not_has_the_defaults_of_its_model(rows: Rows):
    rows.create("p", "a", Note(text="x"))
    assert load(rows, "b") == load(rows, "a", "other") == Note()


@pytest.mark.parametrize("text", ["", "zwölf 🌍 \x00\u2028'\"", "é" * (3 * CHUNK_CHARACTERS + 1)])
def test_a_model_comes_back_as_it_was_written_however_long(rows: Rows, text: str):
    note = Note(text=text, number=2**62)
    rows.create("p", "a", note)
    assert load(rows, "a") == note


def test_what_was_set_to_its_default_is_still_known_to_be_set(rows: Rows):
    rows.create("p", "a", Note(unset=7))
    assert load(rows, "a").model_fields_set == {"unset"}


def test_a_longer_model_leaves_nothing_behind_when_a_shorter_takes_its_place(rows: Rows):
    rows.create("p", "a", Note(text="x" * (2 * CHUNK_CHARACTERS)))
    rows.write("p", {"a": Note(text="y")}, etags(rows))
    assert load(rows, "a").text == "y"


def test_a_write_over_another_version_is_a_conflict_and_writes_nothing(rows: Rows):
    rows.create("p", "a", Note(number=1))
    old = etags(rows)
    rows.write("p", {"a": Note(number=2)}, old)
    with pytest.raises(RowConflictError):
        rows.write("p", {"a": Note(number=3)}, old)
    assert load(rows, "a").number == 2


def test_a_row_that_is_gone_is_a_conflict(rows: Rows):
    rows.create("p", "a", Note(number=1))
    old = etags(rows)
    rows.delete("p", ["a"])
    with pytest.raises(RowConflictError):
        rows.write("p", {"a": Note(number=2)}, old)
    with pytest.raises(RowConflictError):
        rows.write("p", {"a": Note(number=2), "b": Note()}, old)
    assert rows.read_all("p") == {}


@pytest.mark.parametrize("wrong", ["changed", "exists", "gone"])
def test_rows_of_a_partition_change_together_or_not_at_all(rows: Rows, wrong: str):
    write_many(rows, ["a", "b"])
    known = etags(rows)
    if wrong == "changed":
        rows.write("p", {"b": Note(number=5)}, {"b": known["b"]})
    elif wrong == "exists":
        known.pop("b")
    else:
        rows.delete("p", ["b"])
    before = etags(rows)
    with pytest.raises(RowConflictError):
        rows.write("p", {"a": Note(number=9), "new": Note(), "b": Note(number=9)}, known)
    assert etags(rows) == before
    fresh = {key: tag for key, tag in etags(rows).items() if key in ("a", "b")}
    rows.write("p", {"a": Note(number=9), "new": Note(), "b": Note(number=9)}, fresh)
    assert [load(rows, key).number for key in ("a", "b", "new")] == [9, 9, 0]


def test_a_prefix_takes_the_rows_that_begin_with_it_in_order_and_no_others(rows: Rows):
    keys = ["nightly-1!a1", "nightly-2!a10", "nightly-2!a2", "nightly", "nightly_b-1!a1", "s00"]
    write_many(rows, keys)
    rows.create("other", "nightly-3!a1", Note())
    assert [*rows.read_all("p", "nightly-")] == ["nightly-1!a1", "nightly-2!a10", "nightly-2!a2"]
    assert [*rows.read_all("p")] == sorted(keys)


def test_more_rows_are_listed_than_a_page_of_the_service_has(rows: Rows):
    keys = [f"{number:05d}" for number in range(1100)]
    write_many(rows, keys)
    assert [*rows.read_all("p")] == keys


@pytest.mark.parametrize("count", [1, 2, 99, 100, 101, 250])
def test_as_many_rows_are_deleted_as_are_named_and_no_others(rows: Rows, count: int):
    keys = [f"{number:05d}" for number in range(count)]
    write_many(rows, [*keys, "kept"])
    rows.create("other", "00000", Note())
    rows.delete("p", keys)
    assert [*rows.read_all("p")] == ["kept"]
    assert [*rows.read_all("other")] == ["00000"]


def test_rows_that_are_gone_already_do_not_keep_others_from_being_deleted(rows: Rows):
    keys = [f"{number:05d}" for number in range(150)]
    write_many(rows, keys)
    rows.delete("p", [keys[3], keys[149]])
    rows.delete("p", ["never", *keys])
    assert rows.read_all("p") == {}


def test_a_partition_is_cleared_and_no_other(rows: Rows):
    write_many(rows, [f"{number:03d}" for number in range(120)])
    rows.create("other", "a", Note())
    rows.clear("p")
    assert (rows.read_all("p"), [*rows.read_all("other")]) == ({}, ["a"])


def test_a_rule_that_changes_nothing_writes_nothing(rows: Rows):
    assert rows.change("p", "a", Note, lambda note: (note, "answer")) == "answer"
    assert rows.read_all("p") == {}
    rows.create("p", "a", Note(number=1))
    before = etags(rows)
    assert rows.change("p", "a", Note, lambda note: (Note(number=1), 2)) == 2
    assert etags(rows) == before


def test_whoever_changes_a_row_at_the_same_time_is_counted(rows: Rows):
    def count(_: int) -> int:
        def rule(note: Note) -> tuple[Note, int]:
            return note.model_copy(update={"number": note.number + 1}), note.number + 1

        return rows.change("p", "a", Note, rule)

    with ThreadPoolExecutor(8) as pool:
        answers = [*pool.map(count, range(40))]
    assert sorted(answers) == [*range(1, 41)]
    assert load(rows, "a").number == 40


@pytest.mark.parametrize(
    "partition", ["r!a1", "!open", "!downstream!stock!2f!a", "x.y_z-1!a1!steps"]
)
def test_partitions_have_the_signs_that_ours_have(rows: Rows, partition: str):
    rows.create(partition, "s00", Note(number=3))
    assert load(rows, "s00", partition).number == 3
    assert [*rows.read_all(partition, "s")] == ["s00"]


def values(rows: Rows, partition: str = "p") -> dict[str, dict[str, object]]:
    return {key: dict(row.values) for key, row in rows.read_all(partition).items()}


def put(key: str, **properties: object) -> Write:
    return Write(key, properties, mode="put")


def test_a_put_writes_whatever_was_there(rows: Rows):
    rows.submit("p", [put("a", text="first", number=1)])
    rows.submit("p", [put("a", text="second"), put("b", text="new")])
    assert values(rows) == {"a": {"text": "second"}, "b": {"text": "new"}}


@pytest.mark.parametrize("others", [0, 1])
def test_a_merge_leaves_the_other_properties_as_they_are(rows: Rows, others: int):
    rows.submit("p", [put("a", text="kept", number=1, is_new=True)])
    merge = Write("a", {"number": 2, "is_new": False}, mode="merge")
    rows.submit("p", [merge, *(put(f"b{n}", text="") for n in range(others))])
    assert values(rows)["a"] == {"text": "kept", "number": 2, "is_new": False}


@pytest.mark.parametrize("others", [0, 1])
@pytest.mark.parametrize("mode", ["merge", "delete"])
def test_a_row_that_must_be_there_and_is_not_is_a_conflict_and_nothing_is_written(
    rows: Rows, mode: str, others: int
):
    rows.create("p", "there", Note())
    more = [put(f"b{n}", text="") for n in range(others)]
    with pytest.raises(RowConflictError):
        rows.submit("p", [*more, Write("a", {}, mode=mode)])  # type: ignore[arg-type]
    assert [*values(rows)] == ["there"]


@pytest.mark.parametrize("mode", ["merge", "delete", "write"])
def test_with_an_etag_no_other_version_is_changed(rows: Rows, mode: str):
    rows.submit("p", [put("a", text="first")])
    old = etags(rows)["a"]
    rows.submit("p", [put("a", text="second")])
    change = Write("a", {"text": "third"}, old, mode)  # type: ignore[arg-type]
    with pytest.raises(RowConflictError):
        rows.submit("p", [change])
    assert values(rows)["a"] == {"text": "second"}
    rows.submit("p", [Write("a", {"text": "third"}, etags(rows)["a"], mode)])  # type: ignore[arg-type]
    assert values(rows) == ({} if mode == "delete" else {"a": {"text": "third"}})


def test_rows_are_made_changed_and_deleted_together_or_not_at_all(rows: Rows):
    rows.submit("p", [put("a", text="x"), put("b", text="x")])
    turn = [
        Write("a", mode="delete"),
        Write("b", {"number": 2}, mode="merge"),
        Write("c", {"text": "new"}),
    ]
    rows.submit("p", turn)
    expected = {"b": {"text": "x", "number": 2}, "c": {"text": "new"}}
    assert values(rows) == expected
    with pytest.raises(RowConflictError):
        rows.submit("p", [Write("b", mode="delete"), *turn[2:]])
    assert values(rows) == expected


def read_range(rows: Rows, limit: int = 100, **asked: object) -> list[str]:
    wanted = RowRange(**({"after": "", "before": "~"} | asked))  # type: ignore[arg-type]
    return [*rows.read_range("p", wanted, limit)]


def test_a_range_is_read_in_order_between_its_ends_and_no_further_than_asked(rows: Rows):
    assert read_range(rows) == []
    for key in ("d", "a", "c", "b", "e"):
        rows.submit("p", [put(key, text=key)])
    rows.submit("other", [put("c", text="c")])
    assert read_range(rows) == [*"abcde"]
    assert read_range(rows, after="a", before="d") == [*"bc"]
    assert read_range(rows, 2, after="a") == [*"bc"]


def test_only_rows_of_a_range_with_these_values_are_read(rows: Rows):
    for number, key in enumerate("abcdef"):
        owner = ["o'brien", "x' or true or '"][number % 2]
        rows.submit("p", [put(key, owner=owner, state=["", "done"][number // 3])])
    assert read_range(rows, equal={"owner": "o'brien"}) == [*"ace"]
    assert read_range(rows, equal={"owner": "x' or true or '"}) == [*"bdf"]
    assert read_range(rows, equal={"owner": "o'brien", "state": ""}) == [*"ac"]
    assert read_range(rows, 1, equal={"state": "done"}) == ["d"]
    assert read_range(rows, equal={"state": "none"}) == []


def test_keys_can_be_read_without_their_values(rows: Rows):
    rows.submit("p", [put("a", text="x" * 1000), put("b", text="y")])
    found = rows.read_range("p", RowRange("", "~", properties=()), 100)
    assert [(key, dict(row.values)) for key, row in found.items()] == [("a", {}), ("b", {})]
    assert read_range(rows, properties=(), equal={"text": "y"}) == ["b"]


def test_a_range_of_more_rows_than_a_page_is_read_whole(rows: Rows):
    keys = [f"{number:05d}" for number in range(2_350)]
    write_many(rows, keys)
    assert read_range(rows, 5_000, properties=()) == keys
    assert read_range(rows, 1_001, after=keys[0]) == keys[1:1_002]


def test_what_the_service_refuses_is_raised_with_its_status(storage: str):
    tables = TableStore.connect(StorageSettings(connection_string=storage))
    rows = Rows(tables, f"t{secrets.token_hex(6)}")
    rows.write("p", {"a": Note()}, {})
    too_long = Write("c", {"json0": "x" * 40_000})
    with pytest.raises(HttpResponseError) as refused:
        rows.submit("p", [Write("b", {"json0": "{}"}), too_long])
    assert refused.value.status_code == 400
    assert [*rows.read_all("p")] == ["a"]


def test_some_values_can_be_read_without_the_others(rows: Rows):
    rows.submit("p", [put("a", text="x" * 1000, owner="me"), put("b", text="y")])
    found = rows.read_range("p", RowRange("", "~", properties=("owner", "state")), 100)
    assert {key: dict(row.values) for key, row in found.items()} == {"a": {"owner": "me"}, "b": {}}


def test_rows_that_are_marked_are_read_as_well_whatever_they_have(rows: Rows):
    for number, key in enumerate("abcdefgh"):
        mark = {"is_mark": number % 4 == 0} if number % 2 == 0 else {}
        rows.submit("p", [put(key, owner=["me", "you"][number % 2], state="done", **mark)])
    both = {"owner": "you", "state": "done"}
    assert read_range(rows, equal=both, or_marked="is_mark") == [*"abdefh"]
    assert read_range(rows, equal={"owner": "nobody"}, or_marked="is_mark") == [*"ae"]
    assert read_range(rows, after="a", equal={"owner": "nobody"}, or_marked="is_mark") == ["e"]
    assert read_range(rows, 2, equal=both, or_marked="is_mark") == [*"ab"]
    assert read_range(rows, or_marked="is_mark") == [*"abcdefgh"], "without values all are wanted"
