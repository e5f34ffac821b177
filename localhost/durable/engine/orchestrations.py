"""Unfinished orchestrations: when each takes a turn, and what a turn leads to.

A turn updates memory and submits one transaction; activities and entity operations start when it is
on disk. Nothing here waits: whatever has to be waited for comes back as a call.
"""

import asyncio
import logging
from functools import partial

from localhost.durable.engine import timers, versions
from localhost.durable.engine.activities import Activities
from localhost.durable.engine.core import Core
from localhost.durable.engine.determinism import Contradiction, violation
from localhost.durable.engine.entities import Entities
from localhost.durable.engine.lifecycle import Lifecycle
from localhost.durable.engine.obstacles import obstacle
from localhost.durable.engine.refusals import refusal
from localhost.durable.engine.replays import Replay, Replays
from localhost.durable.protocol import events, failures, times
from localhost.durable.protocol.action_forms import check_forms
from localhost.durable.protocol.actions import (
    Decision,
    Outcome,
    ProtocolError,
    Signature,
    parse,
    signature,
)
from localhost.durable.state.instance import Arrival, ExternalEvent, HeldInput, Instance
from localhost.durable.state.operations import Operation
from localhost.durable.state.tasks import NEVER, Execution, Registration, Task, read_registration
from localhost.durable.state.turns import Effects, Turn
from localhost.durable.storage.transaction import Transaction
from localhost.execution.contract import Executor, InvocationResult
from localhost.texts import describe_error, format_stack

logger = logging.getLogger(__name__)


class Orchestrations:
    """Drives every live instance."""

    def __init__(self, core: Core, executor: Executor) -> None:
        self._core = core
        self._loop = asyncio.get_running_loop()
        self._is_open = True
        self._dirty: dict[Instance, None] = {}
        self._warned: set[str] = set()
        self._settings_json = core.settings.context_json
        self.entities = Entities(core, executor, self._reply)
        self.activities = Activities(core, executor, self.touch, self.lose)
        self.lifecycle = Lifecycle(core, self.touch)
        self._timers: timers.Timers[tuple[Instance, Task, int]] = timers.Timers(
            core.clock, self._fire
        )
        self._replays = Replays(core, executor, self._is_live, self._apply, self._fail_defect)

    @property
    def live(self) -> dict[str, Instance]:
        """Every unfinished instance by id."""
        return self.lifecycle.live

    async def close(self, grace_seconds: float) -> None:
        """Start nothing more; let calls of user code end for a while."""
        self._is_open = False
        self._core.tearing.close()
        self._timers.close()
        await self._replays.close(grace_seconds)
        await self.entities.close(grace_seconds)
        await self.activities.close(grace_seconds)

    def touch(self, instance: Instance) -> None:
        """Check soon whether an instance can go on."""
        if not self._dirty:
            self._loop.call_soon(self._pump_all)
        self._dirty[instance] = None

    def adopt(self, instance: Instance) -> None:
        """Start again what a recovered instance was waiting for."""
        for task in instance.execution.tasks.values():
            if task.is_timer and not task.is_canceled:
                self.add_timer(instance, task)
        tasks = [
            task
            for task in instance.execution.tasks.values()
            if task.is_activity and task.arrived_failure is None
        ]
        self.activities.start(instance, instance.execution, tasks)
        self.touch(instance)

    def add_timer(self, instance: Instance, task: Task) -> None:
        """Wake an instance when a timer is due."""
        self._timers.add(times.instant(task.fire_at or ""), (instance, task, task.number))

    def _fire(self, due: list[tuple[Instance, Task, int]]) -> None:
        at = self._core.stamp()
        for instance, task, number in due:
            if instance.execution.tasks.get(number) is task:
                text = events.timer_fired(at, number, task.fire_at or "")
                instance.arrive(self._core.next_sequence(), number, text, failed=False)
                self.touch(instance)

    def _reply(self, operation: Operation, text: str, tx: Transaction, *, failed: bool) -> None:
        """Take an entity's answer to the caller, if that still wants it."""
        message = operation.message
        instance = self.live.get(message["parent"])
        if instance is None or instance.execution_id != message["parentExecution"]:
            return
        number = instance.execution.replies.get(message["id"])
        if number is not None:
            event = events.event_raised(self._core.stamp(), message["id"], tx.literal(text))
            self.lifecycle.receive(instance, number, event, tx, failed=failed)

    def _is_live(self, instance: Instance) -> bool:
        return self.live.get(instance.id) is instance

    def _pump_all(self) -> None:
        dirty, self._dirty = self._dirty, {}
        for instance in dirty:
            try:
                self._pump(instance)
            except Exception as error:
                # What stops one instance must not keep the others from running.
                logger.exception("instance %s cannot go on", instance.id)
                self.lose(instance, f"it cannot go on: {describe_error(error)}")

    def lose(self, instance: Instance, problem: str) -> None:
        """Fail an instance that cannot go on, with no more than a failure needs.

        What it did last may be missing in its history.
        """
        live = self.live.get(instance.id)
        if live is not None and live is not instance:
            return  # another took its place
        logger.error("instance %s fails: %s", instance.id, problem)
        tx = Transaction()
        self.lifecycle.lose(instance, problem, tx)
        self._core.store.submit(tx)

    def _pump(self, instance: Instance) -> None:
        """Let an instance go on as far as it can without waiting."""
        if not self._is_open or instance.is_busy or not self._is_live(instance):
            return
        while instance.controls:
            instance.controls.popleft().apply()
        if instance.is_suspended:
            return
        silent_arrivals = instance.take_silent()
        if instance.outcome is not None:
            silent_arrivals += instance.take_arrivals()
        if silent_arrivals:
            self._take_quiet_turn(instance, silent_arrivals)
        if instance.outcome is None and instance.can_move:
            self._replay_when_due(instance)

    def _replay_when_due(self, instance: Instance) -> None:
        wait = instance.patience(self._loop.time())
        if wait > 0:
            self._loop.call_later(wait, self.touch, instance)
        elif self._may_run(instance):
            self._begin(instance)

    def _may_run(self, instance: Instance) -> bool:
        """Check function and version; an instance that cannot run fails, or waits for a host."""
        name = instance.identity.name
        if self._core.functions.orchestrator(name) is None:
            self._fail_before_run(instance, self._core.functions.unknown_orchestrator(name))
            return False
        problem = versions.mismatch(instance.identity.version, self._core.settings)
        if problem is None:
            return True
        if self._core.settings.version_failure_strategy == "Fail":
            self._fail_before_run(instance, problem)
        elif instance.id not in self._warned:
            self._warned.add(instance.id)
            logger.warning("%s waits for a host of its version: %s", instance.id, problem)
        return False

    def _fail_before_run(self, instance: Instance, problem: str) -> None:
        message = failures.orchestrator_failure(instance.identity.name, problem)
        turn = Turn(instance, self._core.stamp(), [])
        self._conclude(turn, Outcome("Failed", message, problem), Transaction())

    # Turns without a replay.

    def _take_quiet_turn(self, instance: Instance, arrivals: list[Arrival]) -> None:
        """Settle completions that user code does not notice: retries, and what follows its end."""
        tx = Transaction()
        subject, held_input = self._choose_subject(instance, arrivals, [])
        texts = [arrival.event for arrival in arrivals]
        turn = Turn(subject, self._core.stamp(), texts, held_input)
        for arrival in arrivals:
            turn.settle(subject.execution.tasks[arrival.task.number], tx)
        # A row may hold completions still to be delivered; what was delivered is not taken twice.
        if held_input is None and not instance.arrivals:
            tx.consume_completions(instance.id, instance.delivered_mark)
        self._commit(turn, tx)

    def _choose_subject(
        self, instance: Instance, arrivals: list[Arrival], external_events: list[ExternalEvent]
    ) -> tuple[Instance, HeldInput | None]:
        """Choose what a turn works on: the instance, or a shadow of it if the turn is torn."""
        seqs = [arrival.seq for arrival in arrivals] + [event.seq for event in external_events]
        # What begins an execution has no number of its own.
        if not self._core.tearing.should_tear(seqs or [instance.execution_id]):
            return instance, None
        return instance.shadow(), instance.hold(arrivals, external_events)

    # Turns with one.

    def _begin(self, instance: Instance) -> None:
        at = self._core.stamp()
        arrivals = instance.take_arrivals()
        external_events = instance.take_events()
        subject, held_input = self._choose_subject(instance, arrivals, external_events)
        instance.must_replay = False
        for arrival in arrivals:
            subject.execution.settle(subject.execution.tasks[arrival.task.number])
        for event in external_events:
            subject.execution.raise_event(event.name)
        incoming: list[Arrival | ExternalEvent] = [*arrivals, *external_events]
        texts = [arrived.event for arrived in sorted(incoming, key=lambda arrived: arrived.seq)]
        if not instance.turns:
            texts[:0] = self.lifecycle.start_events(instance, at)
        turn = Turn(subject, at, texts, held_input)
        seqs = [event.seq for event in external_events]
        replay = Replay(instance, instance.execution_id, turn, instance.delivered_mark, seqs)
        settings = self._core.settings
        replay.context = instance.context(turn.opening, settings.replay_schema, self._settings_json)
        self._replays.start(replay)

    def _apply(self, replay: Replay, result: InvocationResult) -> None:
        """Do what the orchestrator decided, or fail it for what it may not do."""
        tx = Transaction()
        if replay.turn.held_input is None:
            tx.consume_completions(replay.instance.id, replay.inbox_mark)
            tx.consume_events(replay.event_seqs)
        self.touch(replay.instance)
        execution = replay.turn.instance.execution
        try:
            decision = parse(result.value, result.error, result.stack)
            signatures = [signature(action) for action in decision.leaves]
            check_forms(decision.leaves[len(execution.signatures) :])
        except ProtocolError as error:
            self._fail(replay, str(error), tx)
            return
        if decision.is_blind:
            logger.error("instance %s raised %s", replay.instance.id, result.error)
        if result.is_no_exception and decision.outcome is not None:
            self._fail(replay, decision.outcome.text or "", tx)
            return
        contradiction = violation(execution.signatures, signatures, execution.numbers)
        if contradiction is not None:
            self._contradict(replay, decision, contradiction, tx)
            return
        problem = refusal(decision, self._core.settings, self._core.functions)
        if problem is not None:
            self._fail(replay, problem, tx)
            return
        self._perform(replay.turn, decision, signatures, tx)

    def _fail_defect(self, replay: Replay, error: Exception) -> None:
        """Fail an instance whose answer cannot be carried out, as one that does not fit."""
        logger.error("instance %s: its answer:\n%s", replay.instance.id, format_stack(error))
        tx = Transaction()
        if replay.turn.held_input is None:
            tx.consume_completions(replay.instance.id, replay.inbox_mark)
            tx.consume_events(replay.event_seqs)
        problem = f"its answer cannot be carried out: {describe_error(error)}"
        try:
            self._fail(replay, problem, tx)
        except Exception as second:  # noqa: BLE001
            self.lose(replay.instance, f"{problem}; {describe_error(second)}")

    def _perform(
        self, turn: Turn, decision: Decision, signatures: list[Signature], tx: Transaction
    ) -> None:
        instance = turn.instance
        count = len(instance.execution.signatures)
        for index in range(count, len(signatures)):
            action = decision.leaves[index]
            new_registration = read_registration(action, signatures[index])
            problem = obstacle(action, new_registration, instance, self._core.functions)
            if problem is None:
                turn.perform(action, new_registration, tx)
                continue
            # As in Azure, whoever awaits it waits for ever; here the log says why.
            logger.error("%s of instance %s: %s", instance.identity.name, instance.id, problem)
            turn.perform(action, Registration(signatures[index], NEVER), tx)
        self._cancel_timers(instance, turn, decision)
        instance.execution.expect(decision)
        instance.custom_status = decision.custom_status_text
        if decision.outcome is not None:
            outcome = decision.outcome
            if outcome.status == "Failed":
                text = failures.orchestrator_failure(instance.identity.name, outcome.text or "")
                outcome = Outcome("Failed", text, outcome.details)
            instance.outcome = turn.notes.outcome = outcome
        self._commit(turn, tx)

    def _cancel_timers(self, instance: Instance, turn: Turn, decision: Decision) -> None:
        execution = instance.execution
        for number, place in list(execution.timer_places.items()):
            if decision.leaves[place].get("isCanceled"):
                task = execution.tasks[number]
                if not task.is_canceled:
                    turn.cancel(task)

    def _contradict(
        self, replay: Replay, decision: Decision, contradiction: Contradiction, tx: Transaction
    ) -> None:
        """Fail an orchestrator that does not do what its history says it did."""
        turn = replay.turn
        instance = turn.instance
        if contradiction.place < len(decision.leaves):
            number = instance.execution.numbers[contradiction.place]
            turn.contradict(decision.leaves[contradiction.place], number, tx)
        instance.custom_status = None if decision.is_blind else instance.custom_status
        details = failures.contradiction_details(contradiction.text)
        self._conclude(turn, Outcome("Failed", contradiction.text, details), tx)

    def _fail(self, replay: Replay, message: str, tx: Transaction) -> None:
        name = replay.instance.identity.name
        outcome = Outcome("Failed", failures.orchestrator_failure(name, message), message)
        self._conclude(replay.turn, outcome, tx)

    # What follows from any turn.

    def _commit(self, turn: Turn, tx: Transaction) -> None:
        """Store a turn; end the instance if user code has ended and nothing is open."""
        instance = turn.instance
        outcome = instance.outcome
        if outcome is not None and not instance.execution.has_blocking_tasks:
            self._conclude(turn, outcome, tx)
            return
        if turn.held_input is not None:
            self._tear(turn, turn.held_input, None, tx)
            return
        if instance.early_completions:
            instance.take_early()
            self.touch(instance)
        self.lifecycle.append(instance, turn, tx)
        for child in turn.effects.children:
            self.lifecycle.start_child(instance, child, tx)
        for timer in turn.effects.timers:
            self.add_timer(instance, timer)
        self._submit(instance, turn, tx)

    def _conclude(self, turn: Turn, outcome: Outcome, tx: Transaction) -> None:
        """End an execution, whatever is open."""
        instance = turn.instance
        if turn.held_input is not None:
            self._tear(turn, turn.held_input, outcome, tx)
            return
        if outcome.status == "ContinuedAsNew":
            self.lifecycle.continue_as_new(instance, turn, outcome.text, tx)
        else:
            self.lifecycle.finish(instance, turn, outcome, tx)
        self._submit(instance, turn, tx)

    def _tear(
        self, turn: Turn, held_input: HeldInput, outcome: Outcome | None, tx: Transaction
    ) -> None:
        """Send the messages of a turn, lose its state, and take it again later."""
        instance = self.live[turn.instance.id]
        tx.texts.clear()  # of events that are not written
        for child in turn.effects.children:
            self.lifecycle.start_child(instance, child, tx)
        if outcome is not None and outcome.status != "ContinuedAsNew":
            self.lifecycle.tell_parent(instance, turn.at, outcome, tx)
        self._submit(instance, turn, tx)
        self._core.tearing.schedule(partial(self._bring_back, instance, held_input))

    def _bring_back(self, instance: Instance, held_input: HeldInput) -> None:
        if self._is_live(instance):
            instance.bring_back(held_input)
            self.touch(instance)

    def _submit(self, instance: Instance, turn: Turn, tx: Transaction) -> None:
        operations = self.entities.enqueue(turn.effects.messages, tx)
        self._core.store.submit(
            tx,
            partial(self._dispatch, instance, instance.execution, turn.effects, operations),
            lambda refusal: self.lose(instance, str(refusal)),
        )

    def _dispatch(
        self,
        instance: Instance,
        execution: Execution,
        effects: Effects,
        operations: list[Operation],
    ) -> None:
        if not self._is_open:
            return
        if effects.activities:
            self.activities.start(instance, execution, effects.activities)
        if operations:
            self.entities.accept(operations)
