"""Workloads that two versions of an app have, and calls that only the later one of two ends.

A call that an item names under `held` begins, says so in the journal, and goes on only in an app
that does not set `HOLDS`. So a run is surely at that moment of its life when its app is replaced.
"""

import os
import time
from collections.abc import Iterable
from pathlib import Path
from typing import Any, ClassVar

from pydantic import BaseModel, ConfigDict
from pydantic_core import from_json, to_json

from fanout.errors import PermanentError, TransientError
from fanout.records import Chunk
from fanout.splitting.records import parse_records
from fanout.workload import (
    ChunkResult,
    ChunkWorkload,
    Context,
    MapWorkload,
    RenderedFile,
    SagaWorkload,
    Step,
    StepContext,
)
from tests.support.workloads.errand_workloads import Entry, Journal
from workloads import registry

HOLDS = "RELEASES_HOLD"
HELD, MISSED = "held", "missed"
# Longer than any test: the process is ended before.
HELD_SECONDS = 600


class Parcel(BaseModel):
    """An item.

    Attributes:
        held: The call that only an app ends that does not hold.
        is_busy: Whether such an app alone can process it, and another is to try again.
        is_bad: Whether it fails for good.
        is_stuck: Whether its first step cannot be undone at first.
    """

    model_config = ConfigDict(extra="forbid")

    id: int
    held: str = ""
    seconds: float = 0.0
    is_busy: bool = False
    is_bad: bool = False
    is_stuck: bool = False


class ParcelParameters(BaseModel):
    """Where the journal is, and which call of a chunk workload is held."""

    model_config = ConfigDict(extra="forbid")

    journal: str
    held: str = ""


def holds() -> bool:
    """Whether this app is the one that is to be replaced."""
    return HOLDS in os.environ


def enter(journal: str, item: str, what: str, key: str) -> None:
    """Write down that something is done now."""
    at = time.time()
    Journal(Path(journal)).enter(Entry(item, what, key, os.getpid(), at, at))


def has_missed(journal: str, item: str) -> bool:
    """Tell whether something could not be done for an item yet."""
    return bool(Journal(Path(journal)).calls(MISSED)[item])


def hold(journal: str, item: str, what: str) -> None:
    """Say that a call has begun that this app does not end."""
    if holds():
        enter(journal, item, HELD, what)
        time.sleep(HELD_SECONDS)


class Parcels(MapWorkload[Parcel, ParcelParameters]):
    """Sends each parcel, and says which version did."""

    name: ClassVar[str] = "parcels"
    item_model = Parcel
    parameters_model = ParcelParameters

    def __init__(self, version: int) -> None:
        self.version = version

    def item_id(self, item: Parcel) -> str:
        return str(item.id)

    def process(self, item: Parcel, context: Context[ParcelParameters]) -> dict[str, int]:
        journal = context.parameters.journal
        if item.held == "process":
            hold(journal, str(item.id), "process")
        if item.is_busy and holds():
            enter(journal, str(item.id), MISSED, context.idempotency_key)
            raise TransientError("not yet")
        if item.is_bad:
            raise PermanentError("never")
        time.sleep(item.seconds)
        enter(journal, str(item.id), "process", context.idempotency_key)
        return {"id": item.id, "version": self.version}

    def compensate(
        self, item: Parcel, output: dict[str, int], context: Context[ParcelParameters]
    ) -> None:
        assert output["id"] == item.id
        if item.held == "undo":
            hold(context.parameters.journal, str(item.id), "undo")
        enter(context.parameters.journal, str(item.id), "undo", context.idempotency_key)


class Consignments(SagaWorkload[Parcel, ParcelParameters]):
    """Two steps, the second of which fails for a bad parcel."""

    name: ClassVar[str] = "consignments"
    item_model = Parcel
    parameters_model = ParcelParameters

    def __init__(self, version: int) -> None:
        self.version = version

    def item_id(self, item: Parcel) -> str:
        return str(item.id)

    @property
    def steps(self) -> tuple[Step, ...]:
        return (
            Step("collect", self._do("collect"), self._undo("collect")),
            Step("send", self._do("send"), self._undo("send"), after=("collect",)),
        )

    def _do(self, name: str) -> Any:
        def do(item: Parcel, context: StepContext[ParcelParameters]) -> dict[str, Any]:
            if item.held == name:
                hold(context.parameters.journal, str(item.id), name)
            if item.is_bad and name == "send":
                raise PermanentError("never")
            time.sleep(item.seconds)
            enter(context.parameters.journal, str(item.id), name, context.idempotency_key)
            return {"step": name, "version": self.version}

        return do

    def _undo(self, name: str) -> Any:
        def undo(item: Parcel, output: Any, context: StepContext[ParcelParameters]) -> None:
            assert context.is_doubtful or output["step"] == name
            if item.is_stuck and not has_missed(context.parameters.journal, str(item.id)):
                enter(context.parameters.journal, str(item.id), MISSED, context.idempotency_key)
                raise PermanentError("it is stuck")
            if item.held == f"undo {name}":
                hold(context.parameters.journal, str(item.id), f"undo {name}")
            enter(context.parameters.journal, str(item.id), f"undo {name}", context.idempotency_key)

        return undo


class Weights(ChunkWorkload[dict[str, Any], ParcelParameters]):
    """Adds up a column."""

    name: ClassVar[str] = "weights"
    item_model = Parcel
    parameters_model = ParcelParameters

    def process_chunk(
        self, chunk: Chunk, context: Context[ParcelParameters]
    ) -> ChunkResult[dict[str, Any]]:
        total = sum(int(record.value["kg"]) for record in parse_records(chunk))
        return ChunkResult({"kg": total, "parameters": context.parameters.model_dump()})

    def merge(self, left: dict[str, Any], right: dict[str, Any]) -> dict[str, Any]:
        return {**left, "kg": left["kg"] + right["kg"]}

    def render(
        self, partial: dict[str, Any] | None, parameters: ParcelParameters
    ) -> Iterable[RenderedFile]:
        assert partial is not None
        if parameters.held == "render":
            hold(parameters.journal, "all", "render")
        content = to_json({"kg": partial["kg"]})
        yield RenderedFile("weight.json", content, "application/json", count=1)

    def dump_partial(self, partial: dict[str, Any]) -> bytes:
        return to_json(partial)

    def load_partial(self, data: bytes) -> dict[str, Any]:
        return from_json(data)


def register(version: int) -> None:
    """Add the workloads as a version of the app has them."""
    for workload in (Parcels(version), Consignments(version)):
        registry.register(workload)
    registry.register(Weights())
