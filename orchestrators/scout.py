"""The scout: the first batch of a run, which the activity that plans the run carries out itself.

So a small run is one activity. A scout that meets slow items says so by an event while it is still
at work; then the run asks what is planned, and goes on beside it.
"""

from collections.abc import Generator
from dataclasses import dataclass
from typing import Any

from fanout.durable import orchestration as durable
from fanout.messages.beginning import BeginAsk, BeginResult
from fanout.messages.rests import SCOUT_EVENT, RestNews
from fanout.messages.run import RunInput
from fanout.messages.shards import ShardOrder
from fanout.naming import functions
from orchestrators.accounts import note_message, usage_of
from orchestrators.calling import call_patiently
from orchestrators.calls import Activity
from orchestrators.clock import now, timestamp
from orchestrators.tasks import TaskResult, await_task, result_of

NO_RESULT = "the activity that began the run did not carry out its first batch"


@dataclass(frozen=True)
class BeginCall:
    """Calls `begin`, each time with the time that it is then."""

    context: Any
    run: RunInput

    @property
    def _activity(self) -> Activity:
        at = timestamp(now(self.context))
        ask = BeginAsk(**self.run.model_dump(), at=at, used_before=usage_of(self.context))
        return Activity(self.context, functions.BEGIN, ask)

    @property
    def ticket(self) -> str:
        return self._activity.ticket

    def __call__(self) -> Any:
        return self._activity()


@dataclass(frozen=True)
class Scout:
    """What carries out the first batch.

    Attributes:
        result: What it came to, as a `BatchResult`; None while it is at work.
        next_order: What its shard is to do then, if that is known.
        call: What it answers, as long as it is at work.
        task: What it comes to.
        news: What it has given back.
    """

    result: Any = None
    next_order: ShardOrder | None = None
    call: BeginCall | None = None
    task: Any = None
    news: RestNews | None = None

    @classmethod
    def of(cls, beginning: BeginResult) -> "Scout | None":
        """What is known of it once `begin` has answered; None if there was none."""
        if beginning.scout is None:
            return None
        return cls(beginning.scout.model_dump(mode="json"), beginning.next_order)

    @property
    def answer(self) -> TaskResult:
        """What its task has come to."""
        if self.call is None:
            return TaskResult(self.result)
        whole = result_of(self.task).as_answer_to(self.call)
        if whole.failure is not None:
            return whole
        scout = whole.value.get("scout")
        return TaskResult(failure=NO_RESULT) if scout is None else TaskResult(scout)


@dataclass(frozen=True)
class Beginning:
    """What `begin` answers, and the scout that it sent."""

    result: BeginResult
    scout: Scout | None = None


def call_begin(
    context: Any, run: RunInput, news: Any
) -> Generator[Any, Any, TaskResult | Beginning]:
    """Call `begin`; while its scout is at slow items, ask for the plan and go on beside it.

    Args:
        context: Of the orchestration.
        run: The run.
        news: The event by which a scout tells that it gives back its rest.

    Returns:
        What the run is to do, or why nobody can say.
    """
    call = BeginCall(context, run)
    task = call()
    yield from await_task(durable.any_of(context, [task, news]))
    has_news = durable.is_completed(news)
    told = RestNews.load(durable.value_of(news)) if has_news else None
    if has_news:
        note_message(context)
    if not durable.is_completed(task) and told is not None:
        asked = yield from call_patiently(context, call)
        if asked.failure is not None:
            return asked
        return _join(BeginResult.model_validate(asked.value), call, task, told)
    if not durable.is_completed(task):
        yield from await_task(task)
    result = result_of(task).as_answer_to(call)
    if result.is_transient:
        result = yield from call_patiently(context, call)
    if result.failure is not None:
        return result
    beginning = BeginResult.model_validate(result.value)
    return Beginning(beginning, Scout.of(beginning))


def _join(beginning: BeginResult, call: BeginCall, task: Any, news: RestNews) -> Beginning:
    """Go on beside a scout at work: its batch has begun, others have not."""
    order = beginning.order
    if order is None or order.action != "go":
        return Beginning(beginning)
    order = order.model_copy(update={"is_repeated": False})
    scout = Scout(call=call, task=task, news=news)
    return Beginning(beginning.model_copy(update={"order": order}), scout)


def scout_event(context: Any) -> Any:
    """The event by which a scout tells that it gives back its rest; to be made once."""
    return durable.wait_for_event(context, SCOUT_EVENT)
