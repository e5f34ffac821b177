"""Workloads whose items say themselves how they end."""

import asyncio
import time
import urllib.error
import urllib.request
from collections.abc import Iterable
from typing import Any, ClassVar, Literal

from pydantic import BaseModel, ConfigDict, field_validator
from pydantic_core import from_json, to_json

from fanout.errors import FieldProblem, PermanentError, TransientError
from fanout.models.outcome import ErrorInfo
from fanout.records import Chunk, SourceInfo
from fanout.splitting.records import parse_records
from fanout.workload import (
    ChunkResult,
    ChunkWorkload,
    Context,
    Failure,
    MapWorkload,
    NoParameters,
    RenderedFile,
)
from workloads import registry

Ending = Literal["ok", "permanent", "transient", "crash", "no-json", "no-id", "validator-crash"]


class ProbeItem(BaseModel):
    """An item that ends as it says, after failing transiently until the attempt `good`."""

    model_config = ConfigDict(extra="forbid")

    id: str | int
    ending: Ending = "ok"
    good: int = 1
    retry_after: float | None = None
    seconds: float = 0.0
    undo: Literal["ok", "permanent"] = "ok"
    undo_good: int = 1
    says: str | None = None

    @field_validator("ending")
    @classmethod
    def _crashes(cls, value: Ending) -> Ending:
        if value == "validator-crash":
            raise LookupError("a fault of the validator")
        return value


class Probe(MapWorkload[ProbeItem, NoParameters]):
    """Ends each item as it says."""

    name: ClassVar[str] = "probe"
    item_model = ProbeItem

    def item_id(self, item: ProbeItem) -> str:
        if item.ending == "no-id":
            raise KeyError("id")
        return f"item-{item.id}"

    def process(self, item: ProbeItem, context: Context[NoParameters]) -> Any:
        time.sleep(item.seconds)
        return end(item, context)

    def compensate(self, item: ProbeItem, output: Any, context: Context[NoParameters]) -> None:
        assert output["id"] == item.id
        if context.attempt < item.undo_good:
            raise TransientError("not yet")
        if item.undo == "permanent":
            raise PermanentError("never to be undone")


class AsyncProbe(Probe):
    """The same as a coroutine."""

    name: ClassVar[str] = "async-probe"

    async def process(self, item: ProbeItem, context: Context[NoParameters]) -> Any:
        await asyncio.sleep(item.seconds)
        return end(item, context)


class ListedBlob(BaseModel):
    """A blob as a listing has it."""

    name: str


class Listed(MapWorkload[ListedBlob, NoParameters]):
    """Takes note of each blob."""

    name: ClassVar[str] = "listed"
    item_model = ListedBlob

    def item_id(self, item: ListedBlob) -> str:
        return item.name

    def process(self, item: ListedBlob, context: Context[NoParameters]) -> Any:
        return None


class CallerParameters(BaseModel):
    """Where the downstream is."""

    url: str


class Caller(MapWorkload[ProbeItem, CallerParameters]):
    """Calls a downstream for each item."""

    name: ClassVar[str] = "caller"
    downstream: ClassVar[str | None] = "shop"
    item_model = ProbeItem
    parameters_model = CallerParameters

    def process(self, item: ProbeItem, context: Context[CallerParameters]) -> Any:
        try:
            with urllib.request.urlopen(f"{context.parameters.url}/{item.id}") as answer:
                return answer.status
        except urllib.error.URLError as error:
            raise TransientError(str(error)) from error


def end(item: ProbeItem, context: Context[NoParameters]) -> Any:
    """End an item as it says."""
    if item.says is not None:
        raise PermanentError(item.says)
    if context.attempt < item.good:
        raise TransientError("not yet", retry_after=item.retry_after)
    match item.ending:
        case "permanent":
            raise PermanentError("never")
        case "transient":
            raise TransientError("not ever", retry_after=item.retry_after)
        case "crash":
            raise ZeroDivisionError("division by zero")
        case "no-json":
            return object()
    return {"id": item.id, "key": context.idempotency_key, "attempt": context.attempt}


class Row(BaseModel):
    """A row of any table."""


class SumParameters(BaseModel):
    """What the sum is to do."""

    model_config = ConfigDict(extra="forbid")

    column: str
    fail_attempts: int = 0
    permanent: bool = False


class Sum(ChunkWorkload[dict[str, Any], SumParameters]):
    """Adds up a column, and keeps where each chunk began so that the order of merging shows."""

    name: ClassVar[str] = "sum"
    item_model = Row
    parameters_model = SumParameters

    def check(self, parameters: SumParameters, source: SourceInfo) -> list[FieldProblem]:
        if source.columns is None or parameters.column in source.columns:
            return []
        columns = ", ".join(source.columns)
        message = f"there is no column '{parameters.column}'; there are: {columns}"
        return [FieldProblem("parameters.column", message)]

    def process_chunk(
        self, chunk: Chunk, context: Context[SumParameters]
    ) -> ChunkResult[dict[str, Any]]:
        if context.attempt <= context.parameters.fail_attempts:
            raise (PermanentError if context.parameters.permanent else TransientError)("not now")
        total, failures = 0, []
        for record in parse_records(chunk):
            if record.error is not None:
                failures.append(Failure(record.index, record.error))
                continue
            try:
                total += int(record.value[context.parameters.column])
            except ValueError as error:
                fault = ErrorInfo(type="ValueError", message=f"line {record.line}: {error}")
                failures.append(Failure(record.index, fault))
        return ChunkResult({"sum": total, "began": [chunk.first_index]}, failures)

    def merge(self, left: dict[str, Any], right: dict[str, Any]) -> dict[str, Any]:
        return {name: left[name] + right[name] for name in left}

    def render(
        self, partial: dict[str, Any] | None, parameters: SumParameters
    ) -> Iterable[RenderedFile]:
        yield RenderedFile("sum.json", to_json(partial), "application/json", count=1)

    def dump_partial(self, partial: dict[str, Any]) -> bytes:
        return to_json(partial)

    def load_partial(self, data: bytes) -> dict[str, Any]:
        return from_json(data)


for workload in (Probe(), AsyncProbe(), Sum(), Caller(), Listed()):
    registry.register(workload)
