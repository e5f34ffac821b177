"""Rewinds failed instances, and their failed children with them."""

from dataclasses import replace
from functools import partial

from localhost.durable.engine.core import Core
from localhost.durable.engine.lifecycle import Lifecycle
from localhost.durable.errors import InstanceNotFoundError, WrongStateError
from localhost.durable.protocol import events
from localhost.durable.protocol.ids import new_id
from localhost.durable.recovery import rebuilder
from localhost.durable.recovery.rebuilder import StoredTurn, rebuild
from localhost.durable.recovery.rewind import Cause, rewind
from localhost.durable.state.instance import ExternalEvent, Instance, Parent
from localhost.durable.state.tasks import Task
from localhost.durable.state.turns import child_end_event
from localhost.durable.storage.transaction import Transaction


class Rewinder:
    """One rewind: collects what it changes, as one transaction."""

    def __init__(self, core: Core, lifecycle: Lifecycle, reason: str) -> None:
        self._core = core
        self._lifecycle = lifecycle
        self._reason = reason
        self.tx = Transaction()
        self.instances: list[Instance] = []

    async def rewind(self, instance_id: str) -> None:
        """Rewind a failed instance and its failed children.

        Raises:
            InstanceNotFoundError: There is none.
            WrongStateError: It has not failed.
        """
        stored = await self._core.store.read(
            partial(rebuilder.read_instance, instance_id=instance_id)
        )
        if stored is None:
            raise InstanceNotFoundError(f"There is no instance '{instance_id}'.")
        instance, turns = stored
        live = self._lifecycle.live.get(instance.id)
        status = live.status if live else instance.status
        if status != "Failed":
            raise WrongStateError(
                f"This orchestration has status {status}, but only orchestrations in the "
                '"Failed" state can be rewound.'
            )
        await self._rewind(instance, turns)

    async def _rewind(self, stored: Instance, turns: list[StoredTurn]) -> None:
        store = self._core.store
        failure = await store.read(partial(rebuilder.read_output, instance_id=stored.id))
        cause = Cause(failure or "")
        scratch = Instance(stored.identity, stored.execution_id, stored.input_json)
        for place, turn in enumerate(turns):
            cause.see(place, turn, scratch.execution)
            await rebuild(scratch, [turn], store)
        first_place = cause.turn
        await rebuild(stored, turns[:first_place], store)
        history = rewind(turns, stored.execution, first_place)
        instance = Instance(stored.identity, new_id(), stored.input_json)
        instance.custom_status = stored.custom_status
        if history.turns:
            history.turns.append((self._marker_turn(), None))
        await rebuild(instance, history.turns, store)
        instance.status = "Running" if history.turns else "Pending"
        self.tx.replace_history(instance.id, history.turns)
        self.tx.update_instance(
            instance.id,
            execution_id=instance.execution_id,
            status=instance.status,
            updated_at=self._core.stamp(),
        )
        self._deliver(instance, history.completions, history.external_events)
        self.instances.append(instance)
        for task in list(instance.execution.tasks.values()):
            if task.is_child and task.arrived_failure is None:
                await self._bring_back(instance, task)

    def _marker_turn(self) -> str:
        at = self._core.stamp()
        return events.SEPARATOR.join(
            [
                events.orchestrator_started(at),
                events.execution_rewound(at, self._reason),
                events.orchestrator_completed(at),
            ]
        )

    def _deliver(
        self, instance: Instance, completions: list[str], external_events: list[tuple[str, str]]
    ) -> None:
        """Put what had succeeded into the inbox again."""
        for text in completions:
            seq = self._core.next_sequence()
            if rebuilder.arrive(instance, seq, text, text):
                instance.inbox_mark = seq
                self.tx.receive(seq, instance.id, instance.execution_id, None, text)
        for name, text in external_events:
            seq = self._core.next_sequence()
            instance.events.append(ExternalEvent(seq, name, text))
            self.tx.receive(seq, instance.id, None, name, text)

    async def _bring_back(self, parent: Instance, task: Task) -> None:
        """Make an open sub-orchestration run on: a failed one is rewound, a lost one started."""
        child_id = task.target or ""
        link = Parent(parent.id, parent.execution_id, task.number)
        live = self._lifecycle.live.get(child_id)
        if live is not None:
            self._relink(live, link)
            return
        stored = await self._core.store.read(partial(rebuilder.read_instance, instance_id=child_id))
        if stored is None or stored[0].status == "Terminated":
            self._lifecycle.start_child(parent, task, self.tx)
            return
        child, turns = stored
        if child.status == "Failed":
            self._relink(child, link)
            await self._rewind(child, turns)
            return
        output = await self._core.store.read(partial(rebuilder.read_output, instance_id=child_id))
        ending = ("Completed", output, None)
        text = child_end_event(self._core.stamp(), task.number, ending, self.tx)
        self._lifecycle.receive(parent, task.number, text, self.tx, failed=False)

    def _relink(self, child: Instance, link: Parent) -> None:
        child.identity = replace(child.identity, parent=link)
        self.tx.update_instance(
            child.id,
            parent_id=link.instance_id,
            parent_execution_id=link.execution_id,
            parent_task=link.task,
        )
