"""Table bindings of the embedded host, with the Azurite that it starts itself."""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from azure.data.tables import TableServiceClient

from tests.support.hosts.host_process import Answer, HostProcess, running

APP = Path(__file__).parents[1] / "apps" / "storage_app"
STORAGE = "AzureWebJobsStorage"


@dataclass
class Served:
    host: HostProcess
    tables: TableServiceClient

    def add(self, city: str, rows: Any) -> Answer:
        return self.host.post(f"/api/rows?city={city}", rows)

    def entity(self, city: str, row_key: str) -> dict[str, Any]:
        return dict(self.tables.get_table_client("people").get_entity(city, row_key))


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    folder = tmp_path_factory.mktemp("host")
    settings = {STORAGE: "UseDevelopmentStorage=true", "FOLDER": "places"}
    with running(APP, folder, environment=settings) as host:
        stack = json.loads((folder / "data" / "stack.json").read_text())
        with TableServiceClient.from_connection_string(stack[STORAGE]) as tables:
            yield Served(host, tables)


def test_an_output_adds_an_entity_with_the_keys_of_its_binding_and_types_as_in_azure(
    served: Served,
) -> None:
    row = {
        "rowkey": "1",
        "name": "Ann",
        "age": 41,
        "size": 1.5,
        "is_new": True,
        "since": "2026-01-31T10:00:00Z",
        "list": [1, {"a": "ü"}],
        "nothing": None,
    }
    assert served.add("bern", row).status == 200, served.host.log
    entity = served.entity("bern", "1")
    assert (entity["PartitionKey"], entity["RowKey"], entity["name"]) == ("bern", "1", "Ann")
    assert (entity["age"].value, entity["age"].edm_type.value) == (41, "Edm.Int64")
    assert (entity["size"], entity["is_new"]) == (1.5, True)
    assert entity["since"] == datetime(2026, 1, 31, 10, tzinfo=UTC)
    assert json.loads(entity["list"]) == [1, {"a": "ü"}]
    assert "nothing" not in entity


def test_an_output_adds_a_list_of_many_partitions_and_more_than_a_transaction_takes(
    served: Served,
) -> None:
    rows = [{"PartitionKey": f"list-{n % 2}", "RowKey": f"{n:03}"} for n in range(210)]
    assert served.add("list", rows).status == 200, served.host.log
    found = served.tables.get_table_client("people").query_entities("PartitionKey eq 'list-1'")
    assert len(list(found)) == 105


def test_an_entity_that_is_there_fails_the_call_unless_its_etag_says_otherwise(
    served: Served,
) -> None:
    row = {"RowKey": "twice", "n": 1}
    assert served.add("there", row).status == 200
    assert served.add("there", row).status == 500
    assert "the output 'rows' cannot be written" in served.host.log
    assert served.add("there", {**row, "ETag": "*", "m": 2}).status == 200
    entity = served.tables.get_table_client("people").get_entity("there", "twice")
    assert entity["m"].value == 2
    changed_row = {**row, "etag": entity.metadata["etag"]}
    assert served.add("there", changed_row).status == 200
    assert served.add("there", changed_row).status == 500


@pytest.mark.parametrize("row", [{"n": 1}, {"RowKey": "a/b"}, "text", [1]])
def test_what_is_no_entity_fails_the_call(served: Served, row: Any) -> None:
    assert served.add("bad", row).status == 500


def test_what_is_returned_may_be_a_dict(served: Served) -> None:
    answer = served.host.post("/api/returned-rows", {})
    assert (answer.status, answer.body) == (201, b"made"), served.host.log
    assert served.entity("dicts", "1")["n"].value == 1


def test_what_is_none_is_not_written(served: Served) -> None:
    answer = served.host.request("POST", "/api/returned-rows", b"")
    assert (answer.status, answer.body) == (201, b"made"), served.host.log


def test_an_input_is_the_json_of_the_entity_that_both_keys_name(served: Served) -> None:
    row = {"RowKey": "7", "name": "Zoë", "n": 3, "at": "2026-01-31T10:00:00.25Z"}
    served.add("one", row)
    assert served.host.get("/api/rows/one/7").body.decode() == (
        '{"PartitionKey":"one","RowKey":"7","name":"Zoë","n":3,"at":"2026-01-31T10:00:00.25+00:00"}'
    )
    assert served.host.get("/api/rows/one/8").body == b"nothing"


def test_an_input_is_the_json_of_what_its_filter_finds_and_take_allows(served: Served) -> None:
    served.add("many", [{"RowKey": str(n), "name": f"o'{n}"} for n in range(5)])
    rows = served.host.get("/api/rows/many?since=o%272").json
    assert [row["name"] for row in rows] == ["o'2", "o'3"]
    assert [sorted(row) for row in rows] == [["PartitionKey", "RowKey", "name"]] * 2


def test_a_query_cannot_change_what_a_filter_means(served: Served) -> None:
    served.add("safe", [{"RowKey": "1", "name": "a"}])
    assert served.host.get("/api/rows/safe?since=z%27%20or%20%27a%27%20eq%20%27a").json == []


def test_a_table_that_is_not_there_fails_the_call(served: Served) -> None:
    assert served.host.get("/api/nulls/missing").status == 500
    assert served.host.get("/api/nulls/people").status == 200


def test_an_activity_writes_a_row(served: Served) -> None:
    served.host.request("PUT", "/api/texts/source", b"words")
    served.host.post("/api/runs", {"of": "source", "id": "r1"})
    entity = served.tables.get_table_client("notes").get_entity("n", "r1")
    assert entity["text"] == "words"
