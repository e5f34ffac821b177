"""The life of an instance: created, called as a child, finished, continued as new, terminated."""

import json
import logging
from collections.abc import Callable, Iterable

from localhost.durable.engine.core import Core
from localhost.durable.protocol import events, failures
from localhost.durable.protocol.actions import Outcome
from localhost.durable.protocol.ids import new_execution_id, new_id
from localhost.durable.state.instance import Identity, Instance, Parent
from localhost.durable.state.tasks import Task
from localhost.durable.state.turns import Turn, child_end_event
from localhost.durable.storage.transaction import Transaction

logger = logging.getLogger(__name__)


class Lifecycle:
    """Keeps the set of live instances, in step with the transactions it fills.

    Args:
        touch: Called with each instance that may be able to go on.
    """

    def __init__(self, core: Core, touch: Callable[[Instance], None]) -> None:
        self._core = core
        self._touch = touch
        self.live: dict[str, Instance] = {}

    def create(self, identity: Identity, input_text: str | None, tx: Transaction) -> Instance:
        """Create an instance in place of whatever the store had under its id."""
        parent = identity.parent
        execution_id = new_execution_id() if parent is None else new_id()
        tx.insert_instance(
            (
                identity.id,
                identity.name,
                execution_id,
                identity.version,
                "Pending",
                input_text,
                identity.created_at,
                identity.created_at,
                parent.instance_id if parent else None,
                parent.execution_id if parent else None,
                parent.task if parent else None,
                identity.trace_parent,
            )
        )
        instance = Instance(identity, execution_id, tx.raw(input_text))
        tx.keep_payloads(identity.id)
        self.live[identity.id] = instance
        self._touch(instance)
        return instance

    def start_events(self, instance: Instance, at: str) -> list[str]:
        """The events that open an execution's history."""
        identity, parent = instance.identity, instance.identity.parent
        links = events.execution_links(
            instance.id,
            instance.execution_id,
            (parent.instance_id, parent.execution_id, parent.task) if parent else None,
            identity.trace_parent,
            instance.generation,
        )
        text = _input_literal(instance.input_json)
        event = events.execution_started(at, identity.name, identity.version, text, links)
        # The extension closes the turn in which an execution made way for this one.
        return [event, events.orchestrator_completed(at)] if instance.generation else [event]

    def receive(
        self, instance: Instance, number: int, event: str, tx: Transaction, *, failed: bool
    ) -> None:
        """Put a completion into an instance's inbox, unless it is a duplicate."""
        seq = self._core.next_sequence()
        if not instance.arrive(seq, number, event, failed=failed):
            tx.texts.clear()
            return
        instance.inbox_mark = seq
        tx.keep_payloads(instance.id)
        tx.receive(seq, instance.id, instance.execution_id, None, event)
        self._touch(instance)

    def start_child(self, parent: Instance, task: Task, tx: Transaction) -> None:
        """Start the sub-orchestration a task stands for.

        If a running instance has this id, it is dropped, and whoever waits for it waits for ever:
        Microsoft's engine does the same.
        """
        if self._has_started(parent, task):
            return
        running = self.live.get(task.target or "")
        if running is not None:
            logger.warning("'%s' is started anew by %s while it runs", running.id, parent.id)
            self.forget(running)
            tx.delete_instance(running.id)
        identity = Identity(
            id=task.target or "",
            name=task.name,
            version=task.version or self._core.settings.default_version,
            created_at=self._core.stamp(),
            parent=Parent(parent.id, parent.execution_id, task.number),
            trace_parent=parent.identity.trace_parent,
        )
        self.create(identity, task.input, tx)

    def _has_started(self, parent: Instance, task: Task) -> bool:
        """Whether a torn turn of the parent has started the child, which is left as it is."""
        child = self.live.get(task.target or "")
        link = child.identity.parent if child else None
        if link is None or (link.instance_id, link.execution_id) != (
            parent.id,
            parent.execution_id,
        ):
            return False
        owner = parent.execution.tasks.get(link.task)
        return owner is None or owner is task or owner.target != task.target

    def append(self, instance: Instance, turn: Turn, tx: Transaction) -> None:
        """Add a turn to the history."""
        tx.keep_payloads(instance.id)
        text = turn.text
        tx.append_turn(instance.id, len(instance.turns), text, turn.notes.dump())
        instance.turns.append(text)
        if instance.status == "Pending":
            instance.status = "Running"
        tx.update_instance(
            instance.id,
            status=instance.status,
            custom_status=instance.custom_status,
            updated_at=turn.at,
        )

    def finish(self, instance: Instance, turn: Turn, outcome: Outcome, tx: Transaction) -> None:
        """End an instance for good and tell its parent."""
        result = tx.literal(outcome.text)
        number = instance.execution.next_number
        instance.status = outcome.status
        turn.created.append(events.execution_completed(turn.at, number, outcome.status, result))
        self.append(instance, turn, tx)
        # An end without output leaves the output of a suspension or an earlier end.
        if outcome.text is not None:
            tx.update_instance(instance.id, output=outcome.text)
        tx.clear_inbox(instance.id)
        self.forget(instance)
        self.tell_parent(instance, turn.at, outcome, tx)

    def forget(self, instance: Instance) -> None:
        """Drop an instance from memory; what still arrives for it is not wanted."""
        del self.live[instance.id]
        instance.close()

    def remove(self, instance: Instance, tx: Transaction) -> None:
        """Purge a live instance; a parent that waits for it is told that it failed."""
        self.forget(instance)
        tx.delete_instance(instance.id)
        reason = f"The instance '{instance.id}' was purged while it was running."
        self.tell_parent(instance, self._core.stamp(), Outcome("Failed", reason), tx)

    def lose(self, instance: Instance, problem: str, tx: Transaction) -> None:
        """End an instance that cannot go on as failed; of its history nothing is written."""
        at = self._core.stamp()
        message = failures.orchestrator_failure(instance.identity.name, problem)
        outcome = Outcome("Failed", message, problem)
        tx.update_instance(instance.id, status="Failed", output=message, updated_at=at)
        tx.clear_inbox(instance.id)
        if self.live.get(instance.id) is instance:
            self.forget(instance)
        self.tell_parent(instance, at, outcome, tx)

    def tell_parent(self, instance: Instance, at: str, outcome: Outcome, tx: Transaction) -> None:
        """Tell who waits for an instance, if anybody still does, how it ended."""
        link = instance.identity.parent
        parent = self.live.get(link.instance_id) if link else None
        if link is None or parent is None or parent.execution_id != link.execution_id:
            return
        ending = (outcome.status, outcome.text, outcome.details)
        text = child_end_event(at, link.task, ending, tx)
        self.receive(parent, link.task, text, tx, failed=outcome.status != "Completed")

    def continue_as_new(
        self, instance: Instance, turn: Turn, input_text: str | None, tx: Transaction
    ) -> None:
        """Begin a new execution with a new history; events not yet awaited stay in the inbox."""
        tx.texts.clear()
        tx.clear_history(instance.id, instance.event_payloads())
        instance.reset(new_id(), tx.raw(input_text))
        instance.status = "Running"
        tx.keep_payloads(instance.id)
        tx.update_instance(
            instance.id,
            execution_id=instance.execution_id,
            input=input_text,
            status=instance.status,
            custom_status=instance.custom_status,
            created_at=turn.at,
            updated_at=turn.at,
        )
        self._touch(instance)

    def terminate(self, instance: Instance, reason: str | None, tx: Transaction) -> None:
        """End an instance now. The sub-orchestrations it is running go on, as in Azure."""
        at = self._core.stamp()
        opening = [] if instance.turns else self.start_events(instance, at)
        turn = Turn(instance, at, [*opening, events.execution_terminated(at, reason)])
        self.finish(instance, turn, Outcome("Terminated", reason), tx)

    def suspend(self, instance: Instance, reason: str, tx: Transaction) -> None:
        """Hold back everything that would wake it."""
        instance.is_suspended = True
        self._mark(instance, "Suspended", events.execution_suspended, reason, tx)

    def resume(self, instance: Instance, reason: str, tx: Transaction) -> None:
        """Deliver what was held back; external events come first, as they came before."""
        instance.is_suspended = False
        external_events = instance.take_events() if instance.turns else []
        for event in external_events:
            instance.execution.raise_event(event.name)
        tx.consume_events(event.seq for event in external_events)
        texts = [event.event for event in external_events]
        self._mark(instance, "Running", events.execution_resumed, reason, tx, texts)
        instance.must_replay = bool(instance.turns)
        self._touch(instance)

    def _mark(
        self,
        instance: Instance,
        status: str,
        event: Callable[[str, str], str],
        reason: str,
        tx: Transaction,
        before: Iterable[str] = (),
    ) -> None:
        instance.status = status
        at = self._core.stamp()
        if instance.turns:
            self.append(instance, Turn(instance, at, [*before, event(at, reason)]), tx)
        else:
            # Nothing can come before ExecutionStarted: one that never ran has no history to mark.
            tx.update_instance(instance.id, status=status, updated_at=at)
        if reason:
            tx.update_instance(instance.id, output=reason)


def _input_literal(input_json: str) -> str:
    """Make the JSON string of an input kept as JSON text or as a marker for it."""
    if input_json == "null":
        return "null"
    if input_json.startswith("\0r"):
        return "\0s" + input_json[2:]
    return json.dumps(input_json)
