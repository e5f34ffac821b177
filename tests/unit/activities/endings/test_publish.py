import json
import logging
from types import SimpleNamespace
from typing import Any

import pytest

from activities.endings import publish as room
from activities.endings.publish import (
    EVENT_TYPES,
    MAX_LETTER_BYTES,
    Published,
    dead_letters,
    event,
    publish_ending,
)
from fanout.adapters import messaging as bus_module
from fanout.adapters.messaging import DEAD_LETTER_QUEUE, EVENTS_TOPIC, messaging
from fanout.adapters.settings import ServiceBusSettings, Settings, StorageSettings
from fanout.messages.ending import EndedRun
from fanout.messages.run import RunEnd
from fanout.models.redrive import RedriveRequest
from fanout.naming import blob_paths
from tests.support.doubles.memory_bus import MemoryBus
from tests.support.replays.local_runs import RUN_ID, LocalRun, inline

AT = "2026-11-23T12:00:00.000Z"
HOST = "app.example"


def ended(items: list[dict[str, Any]], **more: Any) -> tuple[LocalRun, EndedRun]:
    values = [{"id": n} | item for n, item in enumerate(items)]
    tolerant = {"tolerance": {"percentage": 100}, "retry": {"max_attempts": 1}}
    run = LocalRun(inline(values, **tolerant | more))
    run.work_off(run.plan())
    return run, EndedRun(run_id=RUN_ID, end=run.finalize().model_copy(update={"at": AT}))


def test_the_event_is_a_cloud_event_that_says_how_the_run_ended():
    run, ending = ended([{}, {"ending": "permanent"}])
    message = event(ending, run.files, HOST)
    document = json.loads(message.body)
    data = document.pop("data")
    assert document == {
        "specversion": "1.0",
        "id": "r/a1/fanout.run.completed",
        "source": "//app.example/api/runs",
        "type": "fanout.run.completed",
        "subject": RUN_ID,
        "time": AT,
        "datacontenttype": "application/json",
    }
    assert data["items"] == ending.end.items.model_dump()
    assert (data["outcome"], data["attempt"]) == ("partially_succeeded", 1)
    assert message.content_type == "application/cloudevents+json; charset=utf-8"
    assert (message.message_id, message.subject) == (document["id"], document["type"])
    assert message.correlation_id == RUN_ID


def test_every_way_to_end_has_its_type_of_event():
    run, ending = ended([{}])
    for outcome, kind in EVENT_TYPES.items():
        end = RunEnd.model_validate({"outcome": outcome, "at": AT})
        other = ending.model_copy(update={"end": end, "attempt": 3})
        assert event(other, run.files, HOST).message_id == f"r/a3/{kind}"
    assert set(EVENT_TYPES.values()) == {
        f"fanout.run.{word}" for word in ("completed", "failed", "compensated", "cancelled")
    }


def test_ids_are_no_longer_than_service_bus_takes():
    longest = "x" * 100
    kind = max(EVENT_TYPES.values(), key=len)
    assert len(f"{longest}/a999/{kind}") <= 128
    assert len(f"{longest}/a999/{10**15}") <= 128


def test_each_item_given_up_on_is_a_message_with_its_error_and_how_to_redrive_it():
    run, ending = ended([{}, {"ending": "permanent"}, {}, {"ending": "crash"}])
    bus = MemoryBus()
    published = publish_ending(ending, run.files, bus, HOST)  # type: ignore[arg-type]
    assert published == Published(events=1, dead_letters=2)
    letters = bus.sent[DEAD_LETTER_QUEUE]
    assert [m.message_id for m in letters] == ["r/a1/1", "r/a1/3"]
    bodies = [json.loads(m.body) for m in letters]
    assert [body["item"]["id"] for body in bodies] == [1, 3]
    assert bodies[0]["redrive"]["path"] == f"/api/runs/{RUN_ID}/redrive"
    for message, body in zip(letters, bodies, strict=True):
        assert message.properties["DeadLetterReason"] == body["error"]["type"]
        assert message.properties["DeadLetterErrorDescription"] == body["error"]["message"]
        assert message.properties["index"] == body["index"]
    assert len(bus.sent[EVENTS_TOPIC]) == 1


@pytest.mark.parametrize("line", [b"{", b"7", b"{}", b'{"index": 1, "error": 2}', b"\xff"])
def test_a_line_that_is_no_dead_letter_keeps_no_other_from_being_sent(line: bytes):
    run, ending = ended([{"ending": "permanent"}, {}, {"ending": "permanent"}])
    (name,) = (f.name for f in run.manifest().files if f.name.startswith("DEAD-LETTERS"))
    path = blob_paths.result_path(RUN_ID, name)
    first, second = run.files.read(path).splitlines()
    run.files.write(path, b"\n".join([first, line, second]))
    letters = list(dead_letters(ending, run.files))
    assert [letter.message_id for letter in letters] == ["r/a1/0", "r/a1/2"]


def test_dead_letters_are_read_out_of_gzip_as_well():
    run, ending = ended(
        [{"ending": "permanent"}, {}] * 300, results={"format": "jsonl", "compression": "gzip"}
    )
    assert any(file.name.endswith("jsonl.gz") for file in run.manifest().files)
    letters = list(dead_letters(ending, run.files))
    assert [letter.message_id for letter in letters] == [f"r/a1/{2 * n}" for n in range(300)]


def test_publishing_again_repeats_every_id():
    run, ending = ended([{"ending": "permanent"}, {}])
    bus = MemoryBus()
    for _ in range(2):
        publish_ending(ending, run.files, bus, HOST)  # type: ignore[arg-type]
    for sent in bus.sent.values():
        half = len(sent) // 2
        assert sent[:half] == sent[half:]


def test_a_run_without_results_has_an_event_and_no_dead_letters():
    run = LocalRun(inline([{}]))
    ending = EndedRun(run_id=RUN_ID, end=RunEnd(outcome="failed", error="no plan", at=AT))
    bus = MemoryBus()
    publish_ending(ending, run.files, bus, HOST)  # type: ignore[arg-type]
    assert bus.sent[DEAD_LETTER_QUEUE] == []
    assert json.loads(bus.sent[EVENTS_TOPIC][0].body)["data"]["error"] == "no plan"


def test_dead_letters_that_a_redrive_is_about_to_replace_are_not_sent():
    run, ending = ended([{"ending": "permanent"}])
    assert len(list(dead_letters(ending, run.files))) == 1
    assert run.files.claim_attempt(RUN_ID, 2, RedriveRequest())
    assert list(dead_letters(ending, run.files)) == []


def test_a_dead_letter_too_long_to_send_goes_without_its_item():
    items = [{"ending": "permanent", "note": "é" * MAX_LETTER_BYTES}]
    run, ending = ended(items)
    (message,) = dead_letters(ending, run.files)
    body = json.loads(message.body)
    assert len(message.body) < 2_000
    assert (body["index"], body["item"]) == (0, None)
    assert body["omitted_bytes"] > MAX_LETTER_BYTES
    assert body["error"] and body["redrive"]


@pytest.mark.parametrize("size", [1, 7, 4 * 1_048_576])
def test_lines_are_whole_however_a_file_is_cut_into_chunks(size: int):
    text = b'{"a":1}\n{"b":2}\n\n{"c":3}'
    store: Any = SimpleNamespace(
        properties=lambda *_: SimpleNamespace(etag="e"),
        stream=lambda *_, etag: (text[at : at + size] for at in range(0, len(text), size)),
    )
    files: Any = SimpleNamespace(store=store, container="runs")
    assert list(room._read_lines(files, "x")) == [b'{"a":1}', b'{"b":2}', b"", b'{"c":3}']


def test_without_a_service_bus_nothing_is_sent_and_this_is_said_once(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
):
    off = Settings(storage=StorageSettings("x"))
    monkeypatch.setattr(bus_module, "settings", lambda: off)
    monkeypatch.setattr(logging.getLogger("fanout"), "propagate", True)
    messaging.cache_clear()
    try:
        assert [messaging(), messaging()] == [None, None]
    finally:
        messaging.cache_clear()
    said = [r.getMessage() for r in caplog.records if "FANOUT_SERVICE_BUS" in r.getMessage()]
    assert len(said) == 1


def test_a_namespace_is_reached_by_connection_string_or_by_identity():
    def read(**values: str) -> ServiceBusSettings | None:
        return Settings.from_environment({"FANOUT_STORAGE": "x", **values}).service_bus

    assert read() is None
    assert read(FANOUT_SERVICE_BUS="Endpoint=x") == ServiceBusSettings("Endpoint=x")
    namespace = "bus.servicebus.windows.net"
    name = "FANOUT_SERVICE_BUS__fullyQualifiedNamespace"
    assert read(**{name: namespace}) == ServiceBusSettings(None, namespace)
    found = read(**{name: namespace, "FANOUT_SERVICE_BUS__clientId": "id"})
    assert found == ServiceBusSettings(None, namespace, "id")


def test_a_dead_letter_with_an_id_too_long_to_send_goes_with_its_beginning():
    items = [{"id": "é" * MAX_LETTER_BYTES, "ending": "permanent"}]
    run, ending = ended(items)
    (message,) = dead_letters(ending, run.files)
    assert len(message.body) < 5_000
    assert json.loads(message.body)["item_id"].startswith("item-ééé")
