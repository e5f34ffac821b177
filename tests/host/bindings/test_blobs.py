"""Blob bindings of the embedded host, with the Azurite that it starts itself."""

import base64
import contextlib
import json
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from azure.core.exceptions import ResourceNotFoundError
from azure.storage.blob import BlobServiceClient
from azure.storage.queue import QueueClient

from tests.support.hosts.host_process import HostProcess, launch, running

APP = Path(__file__).parents[1] / "apps" / "storage_app"
STORAGE = "AzureWebJobsStorage"
DEADLINE_SECONDS = 30


@dataclass
class Served:
    host: HostProcess
    blobs: BlobServiceClient
    storage: str

    def read(self, path: str) -> bytes:
        container, _, name = path.partition("/")
        return bytes(self.blobs.get_blob_client(container, name).download_blob().readall())

    def put(self, path: str, body: bytes) -> int:
        return self.host.request("PUT", f"/api/{path}", body).status

    def names(self, container: str) -> list[str]:
        return list(self.blobs.get_container_client(container).list_blob_names())

    def take(self, name: str) -> str:
        """Wait for a message of a queue."""
        deadline = time.monotonic() + DEADLINE_SECONDS
        with QueueClient.from_connection_string(
            self.storage, name, api_version="2025-11-05"
        ) as queue:
            while True:
                with contextlib.suppress(ResourceNotFoundError):
                    if message := queue.receive_message():
                        return base64.b64decode(message.content).decode()
                assert time.monotonic() < deadline, self.host.log
                time.sleep(0.05)


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    folder = tmp_path_factory.mktemp("host")
    settings = {STORAGE: "UseDevelopmentStorage=true", "FOLDER": "places"}
    with running(APP, folder, environment=settings) as host:
        stack = json.loads((folder / "data" / "stack.json").read_text())
        with BlobServiceClient.from_connection_string(
            stack[STORAGE], api_version="2025-11-05"
        ) as blobs:
            yield Served(host, blobs, stack[STORAGE])


@pytest.mark.parametrize("route", ["texts", "files", "streams"])
def test_an_output_is_a_blob_at_the_place_that_the_route_says(served: Served, route: str) -> None:
    assert served.put(f"{route}/from-{route}", b"hello") in (200, 201)
    assert served.read(f"texts/from-{route}.txt") == b"hello"
    assert served.put(f"{route}/from-{route}", b"again") in (200, 201)
    assert served.read(f"texts/from-{route}.txt") == b"again"


def test_an_output_beside_the_response_leaves_the_response_as_it_is(served: Served) -> None:
    answer = served.host.request("PUT", "/api/files/beside", b"\x00\xff")
    assert (answer.status, answer.body) == (201, b"made")
    assert served.read("texts/beside.txt") == b"\x00\xff"


def test_an_output_that_is_not_set_writes_nothing(served: Served) -> None:
    assert served.put("texts/unset", b"") == 200
    with pytest.raises(ResourceNotFoundError):
        served.read("texts/unset.txt")


def test_a_blob_says_which_call_wrote_it(served: Served) -> None:
    served.put("texts/parent", b"x")
    properties = served.blobs.get_blob_client("texts", "parent.txt").get_blob_properties()
    assert len(properties.metadata["AzureWebJobsParentId"]) == 36


def test_a_path_takes_settings_payload_query_headers_time_and_a_guid(served: Served) -> None:
    body = {"customer": "ann", "order": {"ID": 7}, "when": "2026-01-31T10:00:00Z"}
    answer = served.host.request(
        "POST", "/api/places?q=why", json.dumps(body).encode(), {"X-Own": "mine"}
    )
    assert (answer.status, answer.body) == (200, b"put"), served.host.log
    (name,) = served.names("places")
    head, _, tail = name.rpartition("/")
    # A date in JSON is what .NET makes of it, in Azure, too.
    assert head == "put_place/ann/7/why/mine/01/31/2026 10:00:00"
    year_and_month, guid = tail[:7], tail[8:]
    assert year_and_month == time.strftime("%Y-%m", time.gmtime())
    assert len(guid) == 32


def test_an_expression_without_a_value_fails_the_call(served: Served) -> None:
    assert served.put("never", b"") == 500
    assert "No value for named parameter 'nobody'" in served.host.log


def test_an_input_is_a_stream_and_none_where_there_is_no_blob(served: Served) -> None:
    served.put("texts/there", "é".encode())
    assert served.host.get("/api/texts/there").body.decode() == "é"
    assert served.host.get("/api/texts/not-there").body == b"nothing"


def test_an_input_is_text_unless_its_data_type_is_binary(served: Served) -> None:
    served.put("texts/kinds", "é".encode())
    assert served.host.get("/api/kinds/kinds").json == ["é", "str", "c3a9", "c3a9"]
    served.put("files/odd", b"\xff\x00")
    assert served.host.get("/api/kinds/odd").json == ["�\0", "str", "ff00", "ff00"]
    assert "The blob 'texts/odd.txt' is no text in UTF-8" in served.host.log


def test_a_function_gets_clients_of_the_blob_extension(served: Served) -> None:
    served.put("texts/client-1", b"12345")
    answer = served.host.get("/api/clients/client-1")
    assert answer.status == 200, served.host.log
    assert answer.json == ["client-1.txt", 5, ["client-1.txt"], "12345"]


def test_a_blob_trigger_gets_a_client_and_its_output_has_the_names_of_its_path(
    served: Served,
) -> None:
    inbox = served.blobs.create_container("inbox")
    inbox.upload_blob("a/one.txt", b"content")
    deadline = time.monotonic() + DEADLINE_SECONDS
    while "copies" not in [c.name for c in served.blobs.list_containers()] or not served.names(
        "copies"
    ):
        assert time.monotonic() < deadline, served.host.log
        time.sleep(0.05)
    assert served.read("copies/one-of-a.txt") == b"inbox/a/one.txt: content"


def test_generic_bindings_are_what_their_type_says(served: Served) -> None:
    served.put("generic/generic", b"a")
    served.put("generic/generic", b"b")
    assert served.read("texts/generic.txt") == b"ab"


def test_activities_read_and_write_by_bindings(served: Served) -> None:
    served.put("texts/source", b"words")
    answer = served.host.post("/api/runs", {"of": "source", "id": "n1"})
    assert answer.json == ["noted", "returned words"], served.host.log
    assert served.read("notes/n1.txt") == b"words"
    assert served.read("notes/n1-returned.txt") == b"returned words"


def test_a_binding_without_its_connection_does_not_start_and_says_what_to_do(
    tmp_path: Path,
) -> None:
    process, log = launch(APP, tmp_path, "--no-stack", environment={"FOLDER": "places"})
    with process:
        assert process.wait(DEADLINE_SECONDS) != 0
    text = log.read_text()
    assert "'put_file'" in text or "'put_text'" in text
    assert "Disabled=true" in text


def test_a_disabled_function_that_is_called_by_hand_reads_and_writes_too(served: Served) -> None:
    served.put("texts/shut", b"read")
    answer = served.host.get("/api/off/shut")
    assert (answer.status, answer.body) == (200, b"read"), served.host.log
    assert served.host.post("/admin/functions/off_timer", {"input": ""}).status == 202
    assert [served.take("from-off"), served.take("from-off-timer")] == ["read", "by hand"]


def test_a_disabled_function_whose_binding_cannot_be_served_stops_nobody(served: Served) -> None:
    assert served.host.get("/api/off-nowhere").status == 404
    assert "The disabled function off_nowhere cannot be called: " in served.host.log
