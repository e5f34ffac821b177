"""Hands turns to user code: large texts put in, a bounded number at a time."""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass

from localhost.durable.engine.core import Core
from localhost.durable.engine.window import Window
from localhost.durable.protocol import tracing
from localhost.durable.state.instance import Instance
from localhost.durable.state.turns import Turn
from localhost.durable.storage import payloads
from localhost.execution.contract import Executor, Invocation, InvocationResult


@dataclass(slots=True)
class Replay:
    """A turn in the hands of user code.

    Attributes:
        instance: Whose turn it is; the turn itself works on a shadow of it if it is torn.
        inbox_mark: The newest inbox row of completions it delivers.
        event_seqs: The inbox rows of the external events it delivers.
        context: What the orchestrator is given; empty once handed over.
        started_at: When it was, by the loop's clock.
    """

    instance: Instance
    execution_id: str
    turn: Turn
    inbox_mark: int
    event_seqs: list[int]
    context: str = ""
    started_at: float = 0.0


class Replays:
    """Runs replays and gives back those whose execution still goes on.

    Args:
        is_live: Whether an instance is still the live one of its id.
        apply: Takes the answer of a turn.
        fail: Takes a turn that cannot be taken, and why.
    """

    def __init__(
        self,
        core: Core,
        executor: Executor,
        is_live: Callable[[Instance], bool],
        apply: Callable[[Replay, InvocationResult], None],
        fail: Callable[[Replay, Exception], None],
    ) -> None:
        self._core = core
        self._fail = fail
        self._is_live = is_live
        self._apply = apply
        self._loop = asyncio.get_running_loop()
        self._loading: set[asyncio.Task[None]] = set()
        self._window: Window[Replay] = Window(
            executor,
            core.settings.max_concurrent_orchestrators,
            self._invocation,
            self._take_results,
        )

    def start(self, replay: Replay) -> None:
        """Queue a turn; its instance takes no other until this one is finished."""
        replay.instance.is_busy = True
        payload_ids = payloads.references(replay.context)
        if not payload_ids:
            self._window.add([replay])
            return
        task = self._loop.create_task(self._join(replay, payload_ids))
        self._loading.add(task)
        task.add_done_callback(self._loading.discard)

    async def close(self, grace_seconds: float) -> None:
        """Start no more turns; wait a while for those under way."""
        for task in self._loading:
            task.cancel()
        await self._window.close(grace_seconds)

    async def _join(self, replay: Replay, payload_ids: set[str]) -> None:
        try:
            texts = await self._core.store.payloads(payload_ids)
            context = payloads.join(replay.context, texts)
        except Exception as error:  # noqa: BLE001  the store has lost a text, or cannot read it
            self._end(replay, error)
            return
        if self._is_current(replay):
            replay.context = context
            self._window.add([replay])

    def _end(self, replay: Replay, error: Exception) -> None:
        if self._is_current(replay):
            replay.instance.is_busy = False
            self._fail(replay, error)

    def _is_current(self, replay: Replay) -> bool:
        instance = replay.instance
        return self._is_live(instance) and instance.execution_id == replay.execution_id

    def _invocation(self, replay: Replay) -> Invocation | None:
        identity = replay.instance.identity
        function = self._core.functions.orchestrator(identity.name)
        if function is None or not self._is_current(replay):
            return None
        replay.started_at = self._loop.time()
        context, replay.context = replay.context, ""
        return Invocation(
            id=self._core.new_invocation_id(),
            function=function.name,
            payload=context,
            trace_parent=tracing.child_trace_parent(identity.trace_parent),
        )

    def _take_results(self, results: list[tuple[Replay, InvocationResult]]) -> None:
        for replay, result in results:
            if self._is_current(replay):
                instance = replay.instance
                instance.is_busy = False
                instance.replay_ended = self._loop.time()
                instance.replay_seconds = instance.replay_ended - replay.started_at
                try:
                    self._apply(replay, result)
                except Exception as error:  # noqa: BLE001  one answer costs no other instance
                    self._fail(replay, error)
