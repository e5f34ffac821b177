"""Runs over blobs and rows in memory: the real orchestrators on an engine in this process."""

from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pydantic_core import from_json

from fanout.adapters.rows.attempts import read_attempt
from fanout.adapters.rows.rows import Rows
from fanout.adapters.run_files.files import RunFiles
from fanout.governor.run_state import GovernorState
from fanout.messages.payloads import dump
from fanout.messages.run import RunEnd, RunInput
from fanout.models.outcome import Outcome
from fanout.models.redrive import RedriveRequest
from fanout.models.request import RunRequest
from fanout.models.status import ResultManifest
from fanout.naming import blob_paths, functions, instance_ids
from fanout.naming.result_names import ResultKind
from localhost.durable.errors import InstanceFinishedError
from tests.support.doubles.memory_store import MemoryStore
from tests.support.doubles.memory_tables import memory_rows
from tests.support.hosts.local_app import local_app
from tests.support.replays.durable_hub import Hub, hub
from tests.support.replays.local_runs import lines
from tests.support.replays.recorded_histories import Recording, recordings

ORCHESTRATORS = {functions.RUN, functions.SHARD}


@dataclass(frozen=True)
class LocalHub:
    """An engine, and the files and rows of the runs that it carries out."""

    durable: Hub
    files: RunFiles
    rows: Rows

    async def run(self, run_id: str, request: RunRequest) -> RunEnd:
        """Carry out a run."""
        assert self.files.claim(run_id, request.model_copy(update={"run_id": run_id}))
        return await self._attempt(run_id, 1)

    async def redrive(self, run_id: str, attempt: int, **asked: Any) -> RunEnd:
        """Carry out a further attempt of a run."""
        claim = RedriveRequest.model_validate(asked)
        assert self.files.claim_attempt(run_id, attempt, claim)
        return await self._attempt(run_id, attempt)

    async def take_over(self, run_id: str, attempt: int = 1) -> RunEnd:
        """Let the orchestrations of an attempt die, and carry it on as the watchdog does."""
        instance = instance_ids.attempt_instance(run_id, attempt)
        with suppress(InstanceFinishedError):
            await self.durable.engine.terminate(instance, "its worker died")
        await self.durable.status(instance, "Terminated")
        return await self._attempt(run_id, attempt, is_resumed=True)

    async def _attempt(self, run_id: str, attempt: int, *, is_resumed: bool = False) -> RunEnd:
        ref = dump(RunInput(run_id=run_id, attempt=attempt, is_resumed=is_resumed))
        instance = instance_ids.attempt_instance(run_id, attempt)
        return RunEnd.model_validate(
            await self.durable.run(functions.RUN, ref, instance_id=instance)
        )

    def governor(self, run_id: str, attempt: int = 1) -> GovernorState:
        """What the rows of an attempt say."""
        return read_attempt(self.rows, run_id, attempt).state

    def manifest(self, run_id: str) -> ResultManifest:
        """The list of the run's result files."""
        data = self.files.read(blob_paths.results_manifest_path(run_id))
        return ResultManifest.model_validate_json(data)

    def outcomes(self, run_id: str) -> list[Outcome]:
        """Every line of the result files, as the manifest lists them."""
        return [
            outcome
            for file in self.manifest(run_id).files
            if file.name.endswith(".jsonl") and not file.name.startswith(ResultKind.DEAD_LETTERS)
            for outcome in lines(self.files.read(blob_paths.result_path(run_id, file.name)))
        ]

    def dead_letters(self, run_id: str) -> Counter[int]:
        """How many dead letters each item has."""
        return Counter(
            from_json(line)["index"]
            for file in self.manifest(run_id).files
            if file.name.startswith(ResultKind.DEAD_LETTERS)
            for line in self.files.read(blob_paths.result_path(run_id, file.name)).splitlines()
        )

    def recordings(self, run_id: str, orchestrator: str = functions.SHARD) -> list[Recording]:
        """The executions of a run's orchestrations."""
        return [
            one
            for one in recordings(self.durable.executor.calls, ORCHESTRATORS)
            if one.orchestrator == orchestrator and one.instance_id.split(":")[0] == run_id
        ]


@asynccontextmanager
async def local_hub(path: Path, **settings: Any) -> AsyncIterator[LocalHub]:
    """Start an engine over a file, for runs over blobs in memory."""
    files = RunFiles(MemoryStore(), "runs")  # type: ignore[arg-type]  # the double of it
    rows = memory_rows()
    async with hub(local_app(files, rows), path, **settings) as durable:
        yield LocalHub(durable, files, rows)
