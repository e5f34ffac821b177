"""The durable engine: every orchestration and entity of an app, in one process, on one store.

State lives in memory and is rebuilt from the store at each start; a transaction is on disk before
anything outside the engine can see its effect. A process killed at any moment therefore continues
where its last transaction left it: activities whose result was not yet recorded run again.
"""

import asyncio
import sqlite3
from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from functools import partial
from typing import Any

from localhost.durable.engine.core import Core
from localhost.durable.engine.functions import DurableFunctions
from localhost.durable.engine.orchestrations import Orchestrations
from localhost.durable.engine.rewinder import Rewinder
from localhost.durable.engine.tearing import Tearing
from localhost.durable.errors import (
    InstanceExistsError,
    InstanceFinishedError,
    InstanceNotFoundError,
    InvalidOperationError,
    UnknownFunctionError,
    WrongStateError,
)
from localhost.durable.host_json import DurableSettings
from localhost.durable.protocol import events
from localhost.durable.protocol.ids import new_id, valid_id
from localhost.durable.records import (
    FINISHED_STATUSES,
    EntityFilter,
    EntityRecord,
    InstanceFilter,
    InstanceRecord,
)
from localhost.durable.recovery.rebuilder import recover
from localhost.durable.state.instance import Control, ExternalEvent, Identity, Instance
from localhost.durable.state.operations import EntityMessage, operation_message, parse_entity_id
from localhost.durable.storage import queries
from localhost.durable.storage.schema import unusable_error
from localhost.durable.storage.store import Store, resolve
from localhost.durable.storage.transaction import Transaction
from localhost.execution.contract import Executor
from localhost.texts import describe_error

_GRACE_SECONDS = 5.0


def _utc_now() -> datetime:
    return datetime.now(UTC)


class Engine:
    """Implements `DurableService`.

    Args:
        clock: The wall clock, aware and UTC.
        tearing: Which turns lose their state; None for none.
    """

    def __init__(
        self,
        executor: Executor,
        store: Store,
        settings: DurableSettings,
        clock: Callable[[], datetime] = _utc_now,
        tearing: Tearing | None = None,
    ) -> None:
        self._executor = executor
        self._store = store
        self._settings = settings
        self._clock = clock
        self._tearing = tearing or Tearing()
        self._rewinding = asyncio.Lock()

    @property
    def hub_name(self) -> str:
        """The task hub's name."""
        return self._settings.hub_name

    async def start(self) -> None:
        """Rebuild what was unfinished and go on with it. The executor has been started.

        Raises:
            StoreError: The store's content cannot be used.
        """
        self._store.start()
        functions = DurableFunctions(self._executor.functions)
        self._core = Core(self._store, self._settings, functions, self._clock, self._tearing)
        self._orchestrations = Orchestrations(self._core, self._executor)
        try:
            recovered = await recover(self._store)
        except BaseException as error:
            await self._store.close()
            if isinstance(error, sqlite3.Error):
                raise unusable_error(str(self._store.path), error) from error
            raise
        self._core.resume_after(recovered.last_sequence)
        for instance in recovered.instances:
            self._live[instance.id] = instance
        self._adopt(recovered.instances)
        self._orchestrations.entities.accept(recovered.operations)
        for broken in recovered.broken:
            self._orchestrations.lose(broken.instance, broken.problem)
        await self._store.commit(Transaction())  # whoever asks from now on sees them failed

    async def stop(self, grace_seconds: float = _GRACE_SECONDS) -> None:
        """Start nothing more, give running calls a while to end, and close the store."""
        await self._orchestrations.close(grace_seconds)
        await self._store.close()

    @property
    def _live(self) -> dict[str, Instance]:
        return self._orchestrations.live

    async def start_instance(
        self,
        name: str,
        *,
        instance_id: str | None = None,
        input_text: str | None = None,
        version: str | None = None,
        trace_parent: str | None = None,
    ) -> str:
        """See `DurableService`."""
        identity = Identity(
            id=valid_id(instance_id) if instance_id else new_id(),
            name=name,
            version=self._settings.default_version if version is None else version,
            created_at=self._core.stamp(),
            trace_parent=trace_parent,
        )
        tx = Transaction()
        existing = self._live.get(identity.id)
        if existing is not None:
            if self._settings.overridable_existing_instance_states != "AnyState":
                # Who is told that it exists may ask for it, so that is said once it is on disk.
                await self._store.commit(Transaction())
                raise InstanceExistsError(
                    f"An Orchestration instance with the status {existing.status} already exists."
                )
            self._orchestrations.lifecycle.remove(existing, tx)
        self._orchestrations.lifecycle.create(identity, input_text, tx)
        await self._store.commit(tx)
        return identity.id

    async def get_instance(self, instance_id: str) -> InstanceRecord | None:
        """See `DurableService`."""
        return await self._store.read(partial(queries.instance, instance_id=instance_id))

    async def query_instances(
        self, instance_filter: InstanceFilter, *, top: int, token: str | None = None
    ) -> tuple[Sequence[InstanceRecord], str | None]:
        """See `DurableService`."""
        return await self._store.read(
            partial(queries.instances, instance_filter=instance_filter, top=top, token=token)
        )

    async def history(self, instance_id: str) -> Sequence[dict[str, Any]]:
        """See `DurableService`."""
        return await self._store.read(partial(queries.history, instance_id=instance_id))

    async def raise_event(self, instance_id: str, name: str, input_text: str | None) -> None:
        """See `DurableService`."""
        instance = await self._live_instance(instance_id)
        tx = Transaction()
        seq = self._core.next_sequence()
        text = events.event_raised(self._core.stamp(), name, tx.literal(input_text))
        tx.keep_payloads(instance_id)
        tx.receive(seq, instance_id, None, name, text)
        instance.events.append(ExternalEvent(seq, name, text))
        self._orchestrations.touch(instance)
        await self._store.commit(tx)

    async def terminate(self, instance_id: str, reason: str | None) -> None:
        """See `DurableService`. Its sub-orchestrations go on. Entities do not mind it."""
        if instance_id.startswith("@") and await self.get_instance(instance_id):
            return
        instance = await self._live_instance(instance_id)
        tx = Transaction()
        self._orchestrations.lifecycle.terminate(instance, reason, tx)
        await self._store.commit(tx)

    async def suspend(self, instance_id: str, reason: str) -> None:
        """See `DurableService`."""
        instance = await self._live_instance(instance_id)
        await self._control(instance, reason, suspend=True)

    async def resume(self, instance_id: str, reason: str) -> None:
        """See `DurableService`."""
        instance = await self._live_instance(instance_id)
        await self._control(instance, reason, suspend=False)

    async def _control(self, instance: Instance, reason: str, *, suspend: bool) -> None:
        """Change the state between two turns."""
        future: asyncio.Future[None] = asyncio.get_running_loop().create_future()

        def apply() -> None:
            if instance.is_suspended == suspend:
                words = "suspend" if suspend else "resume"
                problem = (
                    f"Cannot {words} the orchestration instance {instance.id} because instance is "
                    f"in the {instance.status} state."
                )
                future.set_exception(InvalidOperationError(problem))
                return
            tx = Transaction()
            lifecycle = self._orchestrations.lifecycle
            (lifecycle.suspend if suspend else lifecycle.resume)(instance, reason, tx)
            self._store.submit(tx, partial(resolve, future))

        instance.controls.append(Control(apply, future))
        self._orchestrations.touch(instance)
        await future

    async def rewind(self, instance_id: str, reason: str) -> None:
        """See `DurableService` and `recovery.rewind`."""
        rewinder = Rewinder(self._core, self._orchestrations.lifecycle, reason)
        async with self._rewinding:
            await rewinder.rewind(instance_id)
            self._refuse_live(rewinder.instances)
            for instance in rewinder.instances:
                self._live[instance.id] = instance
            await self._store.commit(rewinder.tx, partial(self._adopt, rewinder.instances))

    def _refuse_live(self, instances: Sequence[Instance]) -> None:
        for instance in instances:
            if instance.id in self._live:
                raise InvalidOperationError(f"The instance '{instance.id}' was started meanwhile.")

    def _adopt(self, instances: Sequence[Instance]) -> None:
        for instance in instances:
            try:
                self._orchestrations.adopt(instance)
            except Exception as error:  # noqa: BLE001  one that cannot go on costs no other
                self._orchestrations.lose(instance, describe_error(error))

    async def restart(self, instance_id: str, *, with_new_id: bool) -> str:
        """See `DurableService`."""
        record = await self.get_instance(instance_id)
        if record is None:
            raise InstanceNotFoundError(
                f"No instance with ID '{instance_id}' was found. (Parameter 'instanceId')"
            )
        return await self.start_instance(
            record.name,
            instance_id=None if with_new_id else instance_id,
            input_text=record.input_text,
            version=record.version,
        )

    async def purge(self, instance_id: str) -> int:
        """See `DurableService`."""
        record = await self.get_instance(instance_id)
        if record is None:
            return 0
        if not record.is_finished and not instance_id.startswith("@"):
            raise WrongStateError(
                "Only orchestrations in a terminal state can be purged, but the orchestration with "
                f"instance ID {instance_id} has status {record.runtime_status}"
            )
        await self._purge([instance_id])
        return 1

    async def purge_many(self, instance_filter: InstanceFilter) -> int:
        """See `DurableService`."""
        if not instance_filter.statuses:
            instance_filter = replace(instance_filter, statuses=FINISHED_STATUSES)
        ids = await self._store.read(partial(queries.matching_ids, instance_filter=instance_filter))
        await self._purge(ids)
        return len(ids)

    async def _purge(self, ids: Sequence[str]) -> None:
        tx = Transaction()
        for instance_id in ids:
            instance = self._live.get(instance_id)
            entity_id = parse_entity_id(instance_id)
            if instance is not None:
                self._orchestrations.lifecycle.remove(instance, tx)
            elif entity_id is not None:
                self._orchestrations.entities.forget(entity_id, tx)
            tx.delete_instance(instance_id)
        await self._store.commit(tx)

    async def signal_entity(
        self, name: str, key: str, operation: str, input_text: str | None
    ) -> None:
        """See `DurableService`."""
        if self._core.functions.entity(name) is None:
            raise UnknownFunctionError(self._core.functions.unknown_entity(name))
        entities = self._orchestrations.entities
        text = operation_message(operation, input_text)
        tx = Transaction()
        operations = entities.enqueue([EntityMessage(f"@{name.lower()}@{key}", text)], tx)
        await self._store.commit(tx, partial(entities.accept, operations))

    async def get_entity(self, name: str, key: str) -> EntityRecord | None:
        """See `DurableService`."""
        return await self._store.read(partial(queries.entity, name=name.lower(), key=key))

    async def query_entities(
        self, entity_filter: EntityFilter, *, top: int, token: str | None = None
    ) -> tuple[Sequence[EntityRecord], str | None]:
        """See `DurableService`."""
        return await self._store.read(
            partial(queries.entities, entity_filter=entity_filter, top=top, token=token)
        )

    async def _live_instance(self, instance_id: str) -> Instance:
        """Find a live instance.

        Raises:
            InstanceNotFoundError: There is none of this id.
            InstanceFinishedError: It has ended.
        """
        instance = self._live.get(instance_id)
        if instance is not None:
            return instance
        record = await self.get_instance(instance_id)
        if record is None:
            raise InstanceNotFoundError(f"There is no instance '{instance_id}'.")
        raise InstanceFinishedError(
            f"The instance '{instance_id}' has ended ({record.runtime_status})."
        )
