"""Announcing on Service Bus how a run ended, and handing over the items given up on.

An event goes to the topic, each line of the run's dead letters to the queue. Ids are made from the
run, so what is sent twice, because a first try failed half way, carries the same ids.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from pydantic_core import from_json, to_json

from fanout.adapters.messaging import (
    DEAD_LETTER_QUEUE,
    EVENTS_TOPIC,
    Messaging,
    OutgoingMessage,
    fault_properties,
)
from fanout.adapters.run_files.files import RunFiles, kept_request
from fanout.adapters.telemetry.logs import logger
from fanout.messages.ending import EndedRun
from fanout.models.status import ResultManifest
from fanout.naming import blob_paths, functions
from fanout.naming.media_types import JSON
from fanout.naming.result_names import ResultKind, parse_result_kind
from fanout.printable import describe_failure
from fanout.splitting.decoding.codecs import Expansion, decompress

log = logger(functions.FINISH)
CLOUD_EVENT = "application/cloudevents+json; charset=utf-8"
EVENT_TYPES = {
    "succeeded": "fanout.run.completed",
    "partially_succeeded": "fanout.run.completed",
    "failed": "fanout.run.failed",
    "compensated": "fanout.run.compensated",
    "cancelled": "fanout.run.cancelled",
}
# The app wrote these itself; gzip makes nothing more than 1032 times smaller.
OWN_FILES = Expansion(max_bytes=2**63, max_ratio=1100)
# Service Bus's standard tier takes 256 KiB a message, properties and all.
MAX_LETTER_BYTES = 192 * 1024
MAX_ID_CHARACTERS = 1024


@dataclass(frozen=True)
class Published:
    """How many messages were sent."""

    events: int
    dead_letters: int


def publish_ending(ending: EndedRun, files: RunFiles, bus: Messaging, host: str) -> Published:
    """Send the event and the dead letters of an attempt that has ended.

    Raises:
        AzureError: Storage or Service Bus does not answer; the same again repeats the same ids.
    """
    letters = bus.send_to_queue(DEAD_LETTER_QUEUE, dead_letters(ending, files))
    # Last, so that whoever hears of the end finds the dead letters there.
    events = bus.send_to_topic(EVENTS_TOPIC, [event(ending, files, host)])
    log.info("published %d event and %d dead letters", events, letters)
    return Published(events=events, dead_letters=letters)


def event(ending: EndedRun, files: RunFiles, host: str) -> OutgoingMessage:
    """The CloudEvent that says how an attempt of a run ended.

    Source: https://github.com/cloudevents/spec/blob/v1.0.2/cloudevents/formats/json-format.md
    """
    end = ending.end
    workload = kept_request(files, ending.run_id).workload
    kind = EVENT_TYPES[end.outcome]
    event_id = f"{_prefix(ending)}/{kind}"
    document = {
        "specversion": "1.0",
        "id": event_id,
        "source": f"//{host}/api/runs",
        "type": kind,
        "subject": ending.run_id,
        "time": end.at,
        "datacontenttype": JSON,
        "data": {
            "run_id": ending.run_id,
            "attempt": ending.attempt,
            "workload": workload,
            "outcome": end.outcome,
            "items": end.items.model_dump(),
            "error": end.error,
            "results": f"/api/runs/{ending.run_id}/results",
        },
    }
    return OutgoingMessage(
        body=to_json(document),
        message_id=event_id,
        content_type=CLOUD_EVENT,
        correlation_id=ending.run_id,
        subject=kind,
        properties={"type": kind, "outcome": end.outcome, "workload": workload},
    )


def dead_letters(ending: EndedRun, files: RunFiles) -> Iterator[OutgoingMessage]:
    """A message for each item that the attempt gave up on, in bounded memory."""
    items = ending.end.items
    if not items.failed + items.compensated + items.compensation_failed:
        return
    if files.newest_attempt(ending.run_id) > ending.attempt:
        log.warning("a redrive has begun: no dead letters are sent of attempt %d", ending.attempt)
        return
    path = blob_paths.results_manifest_path(ending.run_id)
    manifest = files.read_model(ResultManifest, path)
    for file in manifest.files:
        if parse_result_kind(file.name) is ResultKind.DEAD_LETTERS:
            for line in _read_lines(files, blob_paths.result_path(ending.run_id, file.name)):
                letter = _try_letter(ending, line)
                if letter is not None:
                    yield letter


def _try_letter(ending: EndedRun, line: bytes) -> OutgoingMessage | None:
    """A message; None for a line that is no letter, which is kept where it is."""
    try:
        return _letter(ending, line)
    except (ValueError, KeyError, TypeError) as error:
        log.error("a dead letter cannot be read: %s", describe_failure(error))  # noqa: TRY400
        return None


def _letter(ending: EndedRun, line: bytes) -> OutgoingMessage:
    letter = from_json(line)
    error = letter["error"]
    return OutgoingMessage(
        body=line if len(line) <= MAX_LETTER_BYTES else _without_item(letter, len(line)),
        message_id=f"{_prefix(ending)}/{letter['index']}",
        content_type=JSON,
        correlation_id=ending.run_id,
        properties={
            "run_id": ending.run_id,
            "attempt": ending.attempt,
            "index": letter["index"],
            **fault_properties(error["type"], error["message"]),
        },
    )


def _without_item(letter: dict[str, Any], size: int) -> bytes:
    """The letter without its item, which the run's result files still have."""
    known = ("index", "status", "item_id", "attempts", "error", "redrive")
    kept = {name: letter[name] for name in known if name in letter}
    # An id is what a workload makes of an item, however long; the others are short.
    kept["item_id"] = kept["item_id"][:MAX_ID_CHARACTERS]
    return to_json({**kept, "item": None, "omitted_bytes": size})


def _prefix(ending: EndedRun) -> str:
    return f"{ending.run_id}/a{ending.attempt}"


def _read_lines(files: RunFiles, path: str) -> Iterator[bytes]:
    """The lines of a file, which must not change meanwhile."""
    blob = files.store.properties(files.container, path)
    chunks = files.store.stream(files.container, path, etag=blob.etag if blob else None)
    rest = b""
    for chunk in decompress(chunks, "gzip", OWN_FILES) if path.endswith(".gz") else chunks:
        *whole, rest = (rest + chunk).split(b"\n")
        yield from whole
    if rest:
        yield rest
