"""How instances come to be and end: created, called as children, finished, renewed, terminated."""

import json
from collections.abc import Callable
from dataclasses import replace

from localhost.durable import events
from localhost.durable.actions import Outcome
from localhost.durable.core import Core
from localhost.durable.execution import Task
from localhost.durable.ids import new_id
from localhost.durable.instance import Identity, Instance, Parent
from localhost.durable.transaction import Transaction
from localhost.durable.turns import Turn, child_end_event


class Lifecycle:
    """Keeps the set of live instances, in step with the transactions it fills.

    Args:
        touch: Is told of each instance that may be able to go on.
    """

    def __init__(self, core: Core, touch: Callable[[Instance], None]) -> None:
        self._core = core
        self._touch = touch
        self.live: dict[str, Instance] = {}

    def create(self, identity: Identity, input_text: str | None, tx: Transaction) -> Instance:
        """Create an instance in place of whatever the store had under its id."""
        execution_id = new_id()
        parent = identity.parent
        tx.insert_instance(
            (
                identity.id, identity.name, execution_id, identity.version, "Pending", input_text,
                identity.created_at, identity.created_at, parent.instance_id if parent else None,
                parent.execution_id if parent else None, parent.task if parent else None,
                identity.trace_parent,
            )
        )  # fmt: skip
        instance = Instance(identity, execution_id, tx.raw(input_text))
        tx.keep_payloads(identity.id)
        self.live[identity.id] = instance
        self._touch(instance)
        return instance

    def started_event(self, instance: Instance, at: str) -> str:
        """The event that opens an execution's history."""
        identity, parent = instance.identity, instance.identity.parent
        links = events.execution_links(
            instance.id,
            instance.execution_id,
            (parent.instance_id, parent.execution_id, parent.task) if parent else None,
            identity.trace_parent,
        )
        text = _as_literal(instance.input_json)
        return events.execution_started(at, identity.name, identity.version, text, links)

    def receive(
        self, instance: Instance, number: int, event: str, tx: Transaction, *, failed: bool
    ) -> None:
        """Put a completion into an instance's inbox, unless it is a duplicate."""
        seq = self._core.sequence()
        if not instance.arrive(seq, number, event, failed=failed):
            tx.texts.clear()
            return
        instance.inbox_mark = seq
        tx.keep_payloads(instance.id)
        tx.receive(seq, instance.id, instance.execution_id, None, event)
        self._touch(instance)

    def start_child(self, parent: Instance, task: Task, tx: Transaction) -> None:
        """Start the sub-orchestration a task stands for; one that cannot be started has failed."""
        if self._was_started(parent, task):
            self._adopt(parent, task, tx)
            return
        problem = self._child_problem(parent, task)
        if problem is not None:
            outcome = ("Failed", problem, problem)
            text = child_end_event(self._core.stamp(), task.number, outcome, tx)
            self.receive(parent, task.number, text, tx, failed=True)
            return
        identity = Identity(
            id=task.target or "",
            name=task.name,
            version=task.version or self._core.settings.default_version,
            created_at=self._core.stamp(),
            parent=Parent(parent.id, parent.execution_id, task.number),
            trace_parent=parent.identity.trace_parent,
        )
        self.create(identity, task.input, tx)

    def _was_started(self, parent: Instance, task: Task) -> bool:
        """Whether a torn turn of the parent has started the child, which goes on as it is."""
        child = self.live.get(task.target or "")
        link = child.identity.parent if child else None
        if link is None or (link.instance_id, link.execution_id) != (
            parent.id,
            parent.execution_id,
        ):
            return False
        owner = parent.execution.tasks.get(link.task)
        return owner is None or owner is task or owner.target != task.target

    def _adopt(self, parent: Instance, task: Task, tx: Transaction) -> None:
        """Have a running child answer to the task that asks for it now."""
        child = self.live[task.target or ""]
        child.identity = replace(
            child.identity, parent=Parent(parent.id, parent.execution_id, task.number)
        )
        tx.update_instance(child.id, parent_task=task.number)

    def _child_problem(self, parent: Instance, task: Task) -> str | None:
        if self._core.functions.orchestrator(task.name) is None:
            return self._core.functions.unknown_orchestrator(task.name)
        wanted = task.target or ""
        grandparent = parent.identity.parent
        taken = {parent.id.lower(), grandparent.instance_id.lower() if grandparent else ""}
        if wanted.startswith("@") or wanted.lower() in taken:
            return f"A sub-orchestration cannot have the instance id '{wanted}'."
        if wanted in self.live:
            return f"An orchestration with the instance id '{wanted}' is running already."
        return None

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
            updated_at=turn.at,
        )
        self._touch(instance)

    def terminate(self, instance: Instance, reason: str, tx: Transaction) -> None:
        """End an instance now, and the sub-orchestrations it is running."""
        at = self._core.stamp()
        opening = [] if instance.turns else [self.started_event(instance, at)]
        turn = Turn(instance, at, [*opening, events.execution_terminated(at, reason)])
        children = [task.target for task in instance.execution.tasks.values() if task.is_child]
        link = (instance.id, instance.execution_id)
        self.finish(instance, turn, Outcome("Terminated", reason), tx)
        for child_id in children:
            child = self.live.get(child_id or "")
            parent = child.identity.parent if child else None
            if child and parent and (parent.instance_id, parent.execution_id) == link:
                self.terminate(child, reason, tx)

    def suspend(self, instance: Instance, reason: str, tx: Transaction) -> None:
        """Hold back everything that would wake it."""
        instance.is_suspended = True
        self._mark(instance, "Suspended", events.suspended, reason, tx)

    def resume(self, instance: Instance, reason: str, tx: Transaction) -> None:
        """Deliver what was held back."""
        instance.is_suspended = False
        self._mark(instance, "Running", events.resumed, reason, tx)
        self._touch(instance)

    def _mark(
        self,
        instance: Instance,
        status: str,
        event: Callable[[str, str], str],
        reason: str,
        tx: Transaction,
    ) -> None:
        instance.status = status
        at = self._core.stamp()
        if instance.turns:
            self.append(instance, Turn(instance, at, [event(at, reason)]), tx)
        else:
            # Nothing can come before ExecutionStarted: one that never ran has no history to mark.
            tx.update_instance(instance.id, status=status, updated_at=at)


def _as_literal(input_json: str) -> str:
    """Make the JSON string of an input kept as JSON text or as a marker for it."""
    if input_json == "null":
        return "null"
    if input_json.startswith("\0r"):
        return "\0s" + input_json[2:]
    return json.dumps(input_json)
