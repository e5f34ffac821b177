"""Durable entities (`docs/host-protocol.md`, 6): one batch of operations at a time."""

import asyncio
import json
import logging
import sqlite3
from collections import deque
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Protocol

from localhost.durable.engine.core import Core
from localhost.durable.engine.window import Window
from localhost.durable.protocol import events
from localhost.durable.state.entity_answers import (
    TIMED_OUT,
    EntityAnswer,
    EntityAnswerError,
    OperationEnd,
    read_answer,
)
from localhost.durable.state.operations import (
    EntityId,
    EntityMessage,
    Operation,
    OrderKey,
    parse_entity_id,
)
from localhost.durable.storage.transaction import Transaction
from localhost.execution.contract import Executor, Invocation, InvocationResult

logger = logging.getLogger(__name__)


@dataclass(slots=True, eq=False)
class Entity:
    """An entity with something to do.

    Attributes:
        writes: How many of its commits are not yet on disk.
        singles: How many operations are to be run one by one, because one of them failed its batch.
    """

    id: EntityId
    queue: deque[Operation] = field(default_factory=deque)
    state: str | None = None
    is_loaded: bool = False
    is_busy: bool = False
    writes: int = 0
    singles: int = 0


@dataclass(frozen=True, slots=True)
class Batch:
    """Operations handed to user code together."""

    entity: Entity
    operations: list[Operation]


class Reply(Protocol):
    """Brings an answer to the orchestration that asked."""

    def __call__(self, operation: Operation, text: str, tx: Transaction, *, failed: bool) -> None:
        """Take the answer, a ResponseMessage as JSON, as part of the transaction."""


class Entities:
    """Drives every entity that has operations queued."""

    def __init__(self, core: Core, executor: Executor, reply: Reply) -> None:
        self._core = core
        self._reply = reply
        self._is_open = True
        self._active: dict[EntityId, Entity] = {}
        self._loading: set[asyncio.Task[None]] = set()
        self._held: dict[OrderKey, list[Operation]] = {}
        self._window: Window[Batch] = Window(
            executor, core.settings.max_concurrent_entities, self._invocation, self._take_results
        )

    async def close(self, grace_seconds: float) -> None:
        """Start no more batches; one that does not end is run again later."""
        self._is_open = False
        await self._window.close(grace_seconds)
        for task in self._loading:
            task.cancel()

    def enqueue(self, messages: Iterable[EntityMessage], tx: Transaction) -> list[Operation]:
        """Store operations; `accept` them when they are on disk."""
        operations: list[Operation] = []
        for message in messages:
            entity_id = parse_entity_id(message.entity_id) or ("", message.entity_id)
            operation = Operation(self._core.next_sequence(), entity_id, json.loads(message.text))
            tx.queue_operation(operation.seq, *entity_id, message.text)
            operations.append(operation)
        return operations

    def accept(self, operations: Iterable[Operation]) -> None:
        """Begin to work on operations."""
        for operation in operations:
            entity_id = operation.entity_id
            if operation.order_key in self._held:
                self._held[operation.order_key].append(operation)
                continue
            entity = self._active.get(entity_id)
            if entity is None:
                entity = self._active[entity_id] = Entity(entity_id)
            entity.queue.append(operation)
            self._advance(entity)

    def forget(self, entity_id: EntityId, tx: Transaction) -> None:
        """Purge an entity; what it has still to do it does as a new one."""
        tx.delete_entity(*entity_id)
        entity = self._active.get(entity_id)
        if entity is not None:
            entity.state = None

    def _advance(self, entity: Entity) -> None:
        if entity.is_busy or not entity.queue or not self._is_open:
            return
        entity.is_busy = True
        if entity.is_loaded:
            self._launch(entity)
            return
        task = asyncio.get_running_loop().create_task(self._load(entity))
        self._loading.add(task)
        task.add_done_callback(self._loading.discard)

    async def _load(self, entity: Entity) -> None:
        try:
            entity.state = await self._core.store.read(partial(select_state, entity_id=entity.id))
        except sqlite3.Error as error:
            operations = [entity.queue.popleft() for _ in range(len(entity.queue))]
            problem = f"the state of the entity cannot be read: {error}"
            self._fail(Batch(entity, operations), problem, is_divisible=False)
            return
        entity.is_loaded = True
        self._launch(entity)

    def _launch(self, entity: Entity) -> None:
        limit = 1 if entity.singles else self._core.settings.max_entity_operation_batch_size
        count = min(len(entity.queue), limit)
        entity.singles = max(0, entity.singles - count)
        batch = Batch(entity, [entity.queue.popleft() for _ in range(count)])
        if self._core.functions.entity(entity.id[0]) is None:
            self._fail(batch, self._core.functions.unknown_entity(entity.id[0]))
        else:
            self._window.add([batch])

    def _invocation(self, batch: Batch) -> Invocation | None:
        name, key = batch.entity.id
        function = self._core.functions.entity(name)
        if function is None:
            return None
        context = {
            "self": {"name": name, "key": key},
            "exists": batch.entity.state is not None,
            "state": batch.entity.state,
            "batch": [
                {
                    "name": operation.message["op"],
                    "input": operation.message["input"],
                    "isSignal": operation.is_signal,
                }
                for operation in batch.operations
            ],
        }
        return Invocation(self._core.new_invocation_id(), function.name, json.dumps(context))

    def _take_results(self, results: list[tuple[Batch, InvocationResult]]) -> None:
        for batch, result in results:
            try:
                answer = _read_result(batch, result)
            except EntityAnswerError as error:
                self._fail(batch, str(error), is_divisible=not _has_timed_out(result))
            else:
                self._apply(batch, answer)

    def _fail(self, batch: Batch, problem: str, *, is_divisible: bool = True) -> None:
        """Fail the operation that has no answer; one of several is looked for by itself."""
        entity = batch.entity
        if len(batch.operations) > 1 and is_divisible:
            entity.queue.extendleft(reversed(batch.operations))
            entity.singles += len(batch.operations)
            entity.is_busy = False
            self._advance(entity)
            return
        tx = Transaction()
        logger.error("operations of entity %s failed: %s", "@".join(entity.id), problem)
        for operation in batch.operations:
            self._answer(operation, OperationEnd(json.dumps(problem), failed=True), tx)
        self._complete(batch, tx, [], None)

    def _apply(self, batch: Batch, answer: EntityAnswer) -> None:
        tx = Transaction()
        for operation, end in zip(batch.operations, answer.ends, strict=True):
            self._answer(operation, end, tx)
        self._complete(batch, tx, self.enqueue(answer.signals, tx), answer)

    def _keep_state(self, entity: Entity, answer: EntityAnswer, tx: Transaction) -> None:
        # One that deleted itself keeps its row, as in the extension's table, until it is purged.
        entity.state = answer.state
        tx.put_entity(*entity.id, entity.state, self._core.stamp())

    def _answer(self, operation: Operation, end: OperationEnd, tx: Transaction) -> None:
        if operation.is_signal:
            if end.failed:
                identity = "@".join(operation.entity_id)
                logger.error(
                    "signal %s to entity %s failed: %s",
                    operation.message["op"],
                    identity,
                    end.result,
                )
            return
        answer = {"$type": events.dotnet_type("ResponseMessage"), "result": end.result}
        if end.failed:
            answer["exceptionType"] = "Error"
        self._reply(operation, json.dumps(answer, separators=(",", ":")), tx, failed=end.failed)

    def _complete(
        self,
        batch: Batch,
        tx: Transaction,
        signals: Sequence[Operation],
        answer: EntityAnswer | None,
    ) -> None:
        """Commit what a batch led to; the state and the end of its operations unless it is torn."""
        entity = batch.entity
        seqs = [operation.seq for operation in batch.operations]
        if self._core.tearing.should_tear(seqs):
            self._hold(batch)
        else:
            if answer is not None:
                self._keep_state(entity, answer, tx)
            tx.finish_operations(seqs)
        entity.is_busy = False
        entity.writes += 1
        self._core.store.submit(tx, partial(self._after_commit, entity, signals))
        self._advance(entity)

    def _hold(self, batch: Batch) -> None:
        """Have operations come again later, those of each caller at their own time but in order."""
        operations_by_key: dict[OrderKey, list[Operation]] = {}
        for operation in batch.operations:
            operations_by_key.setdefault(operation.order_key, []).append(operation)
        queued, batch.entity.queue = batch.entity.queue, deque()
        for operation in queued:
            operations_by_key.get(operation.order_key, batch.entity.queue).append(operation)
        for order_key, operations in operations_by_key.items():
            self._held[order_key] = operations
            self._core.tearing.schedule(partial(self._bring_back, order_key))

    def _bring_back(self, order_key: OrderKey) -> None:
        self.accept(self._held.pop(order_key))

    def _after_commit(self, entity: Entity, signals: Sequence[Operation]) -> None:
        """Forget an idle entity once what the store holds is its newest state."""
        entity.writes -= 1
        self.accept(signals)
        if not entity.is_busy and not entity.queue and not entity.writes:
            self._active.pop(entity.id, None)


def _read_result(batch: Batch, result: InvocationResult) -> EntityAnswer:
    name = batch.entity.id[0]
    try:
        if result.error is None:
            return read_answer(result.value, len(batch.operations))
    except EntityAnswerError as error:
        raise EntityAnswerError(f"Entity function '{name}' failed: {error}") from error
    raise EntityAnswerError(f"Entity function '{name}' failed: {result.error}")


def _has_timed_out(result: InvocationResult) -> bool:
    return result.error is not None and result.error.startswith(TIMED_OUT)


def select_state(connection: sqlite3.Connection, entity_id: EntityId) -> str | None:
    """Read an entity's state; None where there is no such entity."""
    row = connection.execute(
        "SELECT state FROM entities WHERE name = ? AND key = ?", entity_id
    ).fetchone()
    return None if row is None or row[0] is None else str(row[0])
