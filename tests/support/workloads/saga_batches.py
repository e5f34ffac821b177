"""Batches of sagas without an engine: what orchestrators call is called here."""

import json
from datetime import UTC, datetime, timedelta
from itertools import count
from typing import Any

from activities.planning.plan import plan_run
from activities.sagas.close_sagas import close_batch
from activities.sagas.run_sagas import run_batch
from activities.sagas.saga_files import write_record
from activities.sagas.saga_step import try_step
from fanout.adapters.rows.rows import Rows
from fanout.adapters.run_files.files import RunFiles
from fanout.messages.batches import BatchRef, BatchResult
from fanout.messages.run import RunInput
from fanout.messages.sagas import RunSagasResult, SagaRecord, SagaStart, StepCall, StepPlan
from fanout.models.request import RunRequest
from fanout.sagas.machine import Call, Move, Saga
from tests.support.doubles.memory_store import MemoryStore
from tests.support.doubles.memory_tables import MemoryTables
from tests.support.workloads.saga_workload import Effects, Voyage
from workloads import registry

_NUMBERS = count()
BEGINNING = datetime(2026, 1, 1, tzinfo=UTC)


class SagaBatchRun:
    """A run of voyages in one batch.

    Args:
        items: The voyages.
        blob: The source that has them as lines; else they are in the request.
    """

    def __init__(
        self, items: list[dict[str, Any]], blob: dict[str, str] | None = None, **more: Any
    ) -> None:
        self.run_id = f"batch{next(_NUMBERS)}"
        self.files = RunFiles(MemoryStore(), "runs")  # type: ignore[arg-type]  # the double of it
        self.tables = MemoryTables()
        self.rows = Rows(self.tables, "fanoutruns")
        source = blob or {"kind": "inline", "items": items}
        if blob is not None:
            data = b"".join(json.dumps(item).encode() + b"\n" for item in items)
            self.files.store.write(blob["container"], blob["blob"], data)
        asked = {"workload": "voyage", "source": source, "batch": {"max_items": 50}} | more
        assert self.files.claim(self.run_id, RunRequest.model_validate(asked))
        plan_run(RunInput(run_id=self.run_id), self.files)
        self.ref = BatchRef(run_id=self.run_id, partition=0, first_cut=0)

    @property
    def effects(self) -> Effects:
        voyage = registry.get("voyage")
        assert isinstance(voyage, Voyage)
        return voyage.effects

    def carry_out(self) -> RunSagasResult:
        """Carry out the batch, or find what another execution has come to."""
        return run_batch(self.ref, self.files, self.rows)

    def end(self, found: RunSagasResult) -> BatchResult:
        """Bring those sagas to their end that go on apart, and close the batch."""
        if found.result is not None:
            return found.result
        for start in found.sagas:
            self.go_on_apart(found.steps, start)
        return close_batch(self.ref, self.files)

    def go_on_apart(self, steps: list[StepPlan], start: SagaStart) -> None:
        """Do what the orchestrator `saga` does, without its waits."""
        course, now = Saga(steps, self.run_id, start.index, start.take), BEGINNING
        while (move := course.move(now)) != Move():
            now = move.until or now + timedelta(seconds=1)
            results = [(call, self._step(course, start, call)) for call in move.calls]
            if results:
                course.note(now, results)
        record = SagaRecord(batch=self.ref, saga=start, end=course.end())
        write_record(self.files, record)

    def _step(self, course: Saga, start: SagaStart, call: Call) -> Any:
        asked = StepCall(
            batch=self.ref,
            saga=start,
            step=call.step,
            mode=call.mode,
            try_number=call.try_number,
            outputs=course.outputs(call),
            is_doubtful=call.is_doubtful,
        )
        return try_step(asked, self.files, self.rows)

    def log(self) -> list[tuple[str, str]]:
        """What was done and undone, in order: ``("do", "item/step")``."""
        prefix = f"{self.run_id}/"
        return [(w, k.removeprefix(prefix)) for w, k in self.effects.log if k.startswith(prefix)]

    def standing(self) -> set[str]:
        """The effects that stand."""
        prefix = f"{self.run_id}/"
        return {k.removeprefix(prefix) for k in self.effects.standing if k.startswith(prefix)}
