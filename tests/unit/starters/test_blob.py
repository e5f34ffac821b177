"""A blob in the inbox: one run for each version of it, in the format that its name says."""

import json
from typing import Any

import azure.functions as func
import pytest

from fanout.adapters.rows.rows import Rows
from fanout.adapters.run_files.files import RunFiles
from fanout.adapters.settings import Settings, StorageSettings
from fanout.errors import InvalidRequestError
from fanout.naming import functions as names
from fanout.naming import instance_ids
from starters import blob as room
from starters.blob import blueprint, request_for, run_id, start_run_of_blob
from tests.support.doubles.durable_client import Client
from tests.support.doubles.memory_store import MemoryStore
from tests.support.workloads import probe_workloads

WORKLOAD = probe_workloads.Sum.name
LOCAL = Settings(storage=StorageSettings("x"))
TEMPLATE = {"parameters": {"column": "n"}, "batch": {"max_items": 7}}


@pytest.fixture(autouse=True)
def _settings_of_blobs(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(room, "settings", lambda: LOCAL)


@pytest.fixture
def files() -> RunFiles:
    store = MemoryStore()
    store.write("inbox", f"{WORKLOAD}/request.json", json.dumps(TEMPLATE).encode())
    store.write("inbox", f"{WORKLOAD}/new/rows.csv", b"n,text\n1,a\n")
    return RunFiles(store, "runs")  # type: ignore[arg-type]  # the double of it


async def test_a_blob_starts_one_run_however_often_it_is_told_of(files: RunFiles, rows: Rows):
    client = Client()
    for _ in range(2):
        await start_run_of_blob(f"{WORKLOAD}/new/rows.csv", client, files, rows)
    (started,) = client.started
    request = files.request(started)
    assert (request.workload, request.batch.max_items) == (WORKLOAD, 7)
    assert request.source.model_dump(include={"kind", "container", "blob"}) == {
        "kind": "csv",
        "container": "inbox",
        "blob": f"{WORKLOAD}/new/rows.csv",
    }


async def test_a_blob_written_again_is_run_over_again(files: RunFiles, rows: Rows):
    client, name = Client(), f"{WORKLOAD}/new/rows.csv"
    await start_run_of_blob(name, client, files, rows)
    files.store.write("inbox", name, b"n,text\n1,a\n")
    await start_run_of_blob(name, client, files, rows)
    assert len(set(client.started)) == 2


async def test_neither_a_template_nor_a_blob_that_is_gone_starts_a_run(files: RunFiles, rows: Rows):
    client = Client()
    assert await start_run_of_blob(f"{WORKLOAD}/request.json", client, files, rows) is None
    assert await start_run_of_blob(f"{WORKLOAD}/gone.csv", client, files, rows) is None
    assert client.started == []


async def test_without_a_template_the_request_has_only_what_the_blob_says(
    files: RunFiles, rows: Rows
):
    files.store.delete("inbox", f"{WORKLOAD}/request.json")
    with pytest.raises(InvalidRequestError, match=r"parameters\.column"):
        await start_run_of_blob(f"{WORKLOAD}/new/rows.csv", Client(), files, rows)


@pytest.mark.parametrize(
    ("name", "kind"),
    [
        ("a.csv", "csv"),
        ("a.CSV.gz", "csv"),
        ("b/a.jsonl.zst", "jsonl"),
        ("a.json", "json"),
        ("a.ndjson.gz", "jsonl"),
        ("a.b.parquet", "parquet"),
    ],
)
def test_the_format_follows_from_the_name(name: str, kind: str):
    assert request_for(f"w/{name}", "e", {}).source.kind == kind


@pytest.mark.parametrize("name", ["a", "a.txt", "csv", "a.gz", "a.csv.bz2"])
def test_a_name_that_says_no_format_is_refused(name: str):
    with pytest.raises(InvalidRequestError, match=r"source\.kind"):
        request_for(f"w/{name}", "e", {})


@pytest.mark.parametrize(
    ("template", "says"),
    [
        ({"run_id": "a"}, "request.json: run_id: follows from the blob"),
        ({"source": {}}, "request.json: source"),
        ({"colour": 1}, "colour: Extra inputs"),
        ({"max_items": 0}, "max_items"),
    ],
)
def test_a_template_that_makes_no_sense_is_refused(template: dict[str, Any], says: str):
    with pytest.raises(InvalidRequestError) as refused:
        request_for("w/a.csv", "e", template)
    assert says in str(refused.value)


@pytest.mark.parametrize("name", ["w/a.csv", "w/" + "ü" * 900 + ".csv", "w w/é/ .csv", "w/..csv"])
def test_run_ids_are_legal_and_tell_versions_apart(name: str):
    assert instance_ids.is_run_id(run_id(name, "1"))
    assert run_id(name, "1") == run_id(name, "1") != run_id(name, "2")


def functions(of: Settings) -> list[Any]:
    app = func.FunctionApp()
    app.register_functions(blueprint(of))
    return list(app.get_functions())


def test_the_trigger_is_there_only_when_asked_for():
    assert functions(LOCAL) == []
    (function,) = functions(Settings(storage=StorageSettings("x"), has_inbox=True))
    trigger = function.get_trigger().get_dict_repr()
    assert function.get_function_name() == names.START_RUN_OVER_BLOB
    assert trigger["path"] == "inbox/{workload}/{name}"
    assert (trigger["connection"], trigger["source"]) == ("FANOUT_STORAGE", "EventGrid")
