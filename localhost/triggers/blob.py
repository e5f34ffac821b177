"""Blob triggers: a container is watched, and each version of a blob handed over once.

Whatever the binding's `source` says, the container is listed every second: events of a real account
do not reach this machine. What was handed over is kept in a file, so that a restarted host goes on
where it was. A blob whose function fails five times is left alone, and the log says so.

Source: https://learn.microsoft.com/azure/azure-functions/functions-bindings-storage-blob-trigger
"""

import asyncio
import json
import logging
import re
import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from http import HTTPStatus
from pathlib import Path
from typing import Any

from azure.core.exceptions import AzureError, HttpResponseError, ResourceNotFoundError
from azure.storage.blob import BlobProperties, BlobServiceClient

from localhost.bindings.connections import ConnectionSettings
from localhost.execution.contract import (
    BlobReference,
    Executor,
    FunctionInfo,
    Invocation,
    is_deferred,
)
from localhost.execution.invoke import invoke

logger = logging.getLogger(__name__)

TRIGGER = "blobTrigger"
DEFAULT_CONNECTION = "Storage"
POLL_SECONDS = 1.0
MAX_TRIES = 5
CALLS_AT_ONCE = 8
STOP_SECONDS = 10.0
# The newest version that Azurite 3.35 knows.
API_VERSION = "2025-11-05"
_NAME = re.compile(r"\{(\w+)\}")


class BlobTriggerError(Exception):
    """A blob function cannot be run; the message names it, the setting and why."""


@dataclass(frozen=True)
class BlobSource:
    """What a blob function watches.

    Attributes:
        names: The pattern of blob names; its groups are the names in the path.
        client_setting: The setting that a client of the blob is made with, where the function gets
            one and not the content.
    """

    function: str
    connection: str
    container: str
    names: re.Pattern[str]
    client_setting: str | None = None

    @classmethod
    def from_trigger(cls, info: FunctionInfo, environment: Mapping[str, str]) -> "BlobSource":
        """Read a trigger.

        Raises:
            BlobTriggerError: Its path names no container, or its connection no setting.
        """
        container, _, pattern = str(info.trigger.get("path") or "").partition("/")
        if not container or "{" in container:
            raise BlobTriggerError(f"Function '{info.name}': its path names no container.")
        name = str(info.trigger.get("connection") or DEFAULT_CONNECTION)
        connection = ConnectionSettings(name, environment).text()
        if not connection:
            raise BlobTriggerError(
                f"Function '{info.name}': its connection names the setting '{name}', which is not "
                "there as a connection string. Add it to the Values of local.settings.json or to "
                f"the environment; to start without it, set AzureWebJobs.{info.name}.Disabled=true."
            )
        setting = str(info.trigger.get("connection") or f"AzureWebJobs{DEFAULT_CONNECTION}")
        client_setting = setting if is_deferred(info.trigger) else None
        return cls(info.name, connection, container, _pattern(pattern), client_setting)


def _pattern(path: str) -> re.Pattern[str]:
    """``{workload}/{name}.csv`` as an expression; the last name may have slashes."""
    parts = _NAME.split(path or "{name}")
    names = parts[1::2]
    text = re.escape(parts[0])
    for index, (name, literal) in enumerate(zip(names, parts[2::2], strict=True)):
        name_pattern = ".+" if index == len(names) - 1 else "[^/]+"
        text += f"(?P<{name}>{name_pattern}){re.escape(literal)}"
    return re.compile(f"^{text}$")


class Receipts:
    """Which versions of blobs a function has been given, as lines of a file."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._etags: dict[str, str] = {}

    def load(self) -> None:
        """Read them; half a line, left by a crash, counts for nothing."""
        if not self._path.exists():
            return
        for line in self._path.read_text().splitlines():
            try:
                name, etag = json.loads(line)
                self._etags[name] = etag
            except (ValueError, TypeError):
                logger.warning("%s: a line is unreadable and left out", self._path.name)

    def has(self, name: str, etag: str) -> bool:
        """Tell whether this version was handed over."""
        return self._etags.get(name) == etag

    def add(self, name: str, etag: str) -> None:
        """Take note of a version that was handed over."""
        self._etags[name] = etag
        self._path.parent.mkdir(parents=True, exist_ok=True)
        with self._path.open("a") as file:
            file.write(json.dumps([name, etag]) + "\n")


class BlobTriggers:
    """Runs the blob functions of an app until stopped.

    Args:
        executor: Runs user code.
        environment: The settings, which name the connections.
        folder: Where receipts are kept.
    """

    def __init__(self, executor: Executor, environment: Mapping[str, str], folder: Path) -> None:
        self._executor = executor
        self._environment = environment
        self._folder = folder
        self._tasks: list[asyncio.Task[None]] = []
        self._stopping = asyncio.Event()

    def start(self, functions: Sequence[FunctionInfo]) -> None:
        """Watch for these functions.

        Raises:
            BlobTriggerError: One cannot be watched for; none is started then.
        """
        sources = [BlobSource.from_trigger(info, self._environment) for info in functions]
        for source in sources:
            receipts = Receipts(self._folder / f"{source.function}.jsonl")
            receipts.load()
            watcher = _Watcher(source, receipts, self._executor, self._stopping)
            self._tasks.append(asyncio.create_task(watcher.watch()))

    async def stop(self) -> None:
        """Hand nothing more over; what runs may end within a grace period."""
        self._stopping.set()
        if not self._tasks:
            return
        _, late = await asyncio.wait(self._tasks, timeout=STOP_SECONDS)
        for task in late:
            task.cancel()
        await asyncio.gather(*late, return_exceptions=True)


class _Watcher:
    """Watches one container for one function."""

    def __init__(
        self,
        source: BlobSource,
        receipts: Receipts,
        executor: Executor,
        stopping: asyncio.Event,
    ) -> None:
        self._source = source
        self._receipts = receipts
        self._executor = executor
        self._stopping = stopping
        self._tries: dict[tuple[str, str], int] = {}
        service = BlobServiceClient.from_connection_string(
            source.connection, api_version=API_VERSION
        )
        self._container = service.get_container_client(source.container)

    async def watch(self) -> None:
        """List, hand over and wait, until stopped; an error is logged and tried again."""
        while not self._stopping.is_set():
            try:
                await self._poll()
            except AzureError as error:
                logger.warning(
                    "function %s cannot watch '%s': %s; trying again",
                    self._source.function,
                    self._source.container,
                    error,
                )
            except Exception:
                logger.exception("function %s: its watch failed; it goes on", self._source.function)
            try:
                await asyncio.wait_for(self._stopping.wait(), POLL_SECONDS)
            except TimeoutError:
                continue

    async def _poll(self) -> None:
        blobs = await asyncio.to_thread(self._list_new_blobs)
        for first in range(0, len(blobs), CALLS_AT_ONCE):
            if self._stopping.is_set():
                return
            chunk = blobs[first : first + CALLS_AT_ONCE]
            await asyncio.gather(*(self._hand_over(blob) for blob in chunk))

    def _list_new_blobs(self) -> list[BlobProperties]:
        """The blobs of which this version has not been handed over."""
        try:
            return [
                blob
                for blob in self._container.list_blobs(include=["metadata"])
                if self._source.names.match(blob.name)
                and not self._receipts.has(blob.name, blob.etag)
            ]
        except ResourceNotFoundError:  # it may be made any time
            return []

    async def _hand_over(self, blob: BlobProperties) -> None:
        try:
            payload = await self._payload(blob.name)
        except ResourceNotFoundError:  # deleted meanwhile
            return
        except HttpResponseError as error:
            if error.status_code != HTTPStatus.CONFLICT:  # archived, for one; the others go on
                raise
            reason = getattr(error, "error_code", None) or error.reason
            self._note_failure(blob, f"the blob '{blob.name}' is not given by storage: {reason}")
            return
        invocation = Invocation(
            id=str(uuid.uuid4()),
            function=self._source.function,
            payload=payload,
            metadata=self._metadata(blob),
        )
        result = await invoke(self._executor, invocation)
        if result.error is None:
            self._receipts.add(blob.name, blob.etag)
            return
        self._note_failure(blob, result.error)

    def _note_failure(self, blob: BlobProperties, error: object) -> None:
        """Log a failed try; after some the blob is left."""
        logger.error("function %s failed: %s", self._source.function, error)
        key = (blob.name, blob.etag)
        self._tries[key] = self._tries.get(key, 0) + 1
        if self._tries[key] == MAX_TRIES:
            logger.error(
                "function %s failed %d times for the blob '%s'; it is left until it is written "
                "again",
                self._source.function,
                MAX_TRIES,
                blob.name,
            )
            self._receipts.add(blob.name, blob.etag)

    async def _payload(self, name: str) -> bytes | BlobReference:
        """What the function gets: the content, or where a client finds it."""
        if self._source.client_setting is not None:
            return BlobReference(self._source.client_setting, self._source.container, name)
        return await asyncio.to_thread(self._read, name)

    def _read(self, name: str) -> bytes:
        return bytes(self._container.download_blob(name).readall())

    def _metadata(self, blob: BlobProperties) -> dict[str, Any]:
        """What the trigger delivers beside the data, under the names that the worker reads."""
        match = self._source.names.match(blob.name)
        return {
            **(match.groupdict() if match else {}),
            "BlobTrigger": f"{self._source.container}/{blob.name}",
            "Uri": f"{self._container.url}/{blob.name}",
            "Properties": {
                "ContentLength": blob.size,
                "ETag": blob.etag,
                "LastModified": blob.last_modified.isoformat(),
                "ContentType": blob.content_settings.content_type,
            },
            "Metadata": dict(blob.metadata or {}),
        }


def blob_functions(functions: Sequence[FunctionInfo]) -> list[FunctionInfo]:
    """The functions that a blob triggers."""
    return [info for info in functions if info.trigger_type == TRIGGER]
