"""Every call gets its own answer, whatever order the engine hands answers over in."""

from collections import Counter
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from typing import Any

import azure.durable_functions as df
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import BaseModel

from fanout.messages.tickets import answer_as_child, answer_ask
from fanout.naming.functions import AWAY, NOT_HERE
from localhost.durable.engine.tearing import Tearing
from orchestrators import calling, calls
from orchestrators.calling import call_all, call_all_patiently
from orchestrators.calls import Activity, Child
from tests.support.replays.durable_hub import hub

CALLS = 6
asked: Counter[int] = Counter()


class Question(BaseModel):
    number: int
    at: str = ""


def make_app(fails: dict[int, int]) -> df.DFApp:
    """An app whose calls fail in passing so many times each."""
    app = df.DFApp()

    def answer(number: int) -> int:
        asked[number] += 1
        if asked[number] <= fails.get(number, 0):
            raise OSError(f"{(NOT_HERE[0], AWAY)[number % 2]}: {number}")
        return 10 * number

    @app.activity_trigger(input_name="ref")
    def ask(ref):
        return answer_ask(ref, answer(ref["number"]))

    @app.orchestration_trigger(context_name="context")
    def child(context):
        number = context.get_input()["number"]
        yield context.create_timer(context.current_utc_datetime)
        found = yield from call_all_patiently(
            context, [Activity(context, "ask", Question(number=number))]
        )
        return answer_as_child(context.instance_id, found[0].value)

    def of(context: Any, number: int) -> calls.Call:
        question = Question(number=number, at=context.current_utc_datetime.isoformat())
        if number % 3 == 2:
            return Child(context, "child", question, f"{context.instance_id}:{number}")
        return Activity(context, "ask", question, once=number % 2 == 0)

    @app.orchestration_trigger(context_name="context")
    def asks(context):
        first = yield from call_all_patiently(
            context, [of(context, number) for number in range(CALLS)]
        )
        more = [of(context, number) for number in range(CALLS, 2 * CALLS)]
        return [one.value for one in [*first, *(yield from call_all(context, more))]]

    return app


@pytest.fixture(autouse=True)
def fresh(monkeypatch: pytest.MonkeyPatch) -> None:
    asked.clear()
    monkeypatch.setattr(calling, "FIRST_REST_SECONDS", 0.01)
    monkeypatch.setattr(calling, "MAX_REST_SECONDS", 0.02)
    monkeypatch.setattr(calls, "FIRST_INTERVAL_MS", 10)


@pytest.mark.parametrize("seed", range(8))
async def test_torn_turns_leave_every_call_its_own_answer(tmp_path: Path, seed: int):
    fails = {number: (number * 7 + seed) % 3 for number in range(CALLS)}
    tearing = Tearing(0.5 + seed % 2 / 2, (0.0, 0.08), seed)
    async with hub(make_app(fails), tmp_path / "hub.db", tearing=tearing) as durable:
        found = await durable.run("asks")
    assert found == [10 * number for number in range(2 * CALLS)]


class Task:
    """What the SDK gives for a call."""

    def __init__(self, number: int | None = None, ticket: str = "") -> None:
        self.number, self.ticket = number, ticket
        self.is_completed, self.result = False, None


class Together:
    def __init__(self, tasks: list[Task]) -> None:
        self.tasks = tasks


class Engine:
    """Answers calls as a list of choices says: with their own answer, another's, or none."""

    def __init__(self, choices: Iterator[int]) -> None:
        self._choices = choices
        self.tickets: dict[str, int] = {}
        self.current_utc_datetime = datetime(2026, 1, 1)

    def call_activity(self, name: str, message: dict[str, Any]) -> Task:
        self.tickets[message["ticket"]] = message["number"]
        return Task(message["number"], message["ticket"])

    def task_all(self, tasks: list[Task]) -> Together:
        return Together(tasks)

    def create_timer(self, until: datetime) -> Task:
        self.current_utc_datetime = max(self.current_utc_datetime, until)
        return Task()

    def drive(self, orchestrator: Any) -> Any:
        """Carry out an orchestrator to its end."""
        step = next(orchestrator)
        try:
            while True:
                failure = self._complete(step)
                if failure is not None:
                    step = orchestrator.throw(failure)
                elif isinstance(step, Together):
                    step = orchestrator.send([task.result for task in step.tasks])
                else:
                    step = orchestrator.send(step.result)
        except StopIteration as end:
            return end.value

    def _complete(self, step: Task | Together) -> Exception | None:
        tasks = step.tasks if isinstance(step, Together) else [step]
        for task in tasks:
            if not task.is_completed and task.number is not None:
                self._answer(task)
            if isinstance(task.result, Exception):
                return task.result
        return None

    def _answer(self, task: Task) -> None:
        task.is_completed, choice = True, next(self._choices, 0)
        others = sorted(self.tickets)
        if choice == 1:
            task.result = Exception(f"{NOT_HERE[0]}: {task.number}")
        elif choice == 2:
            task.result = None  # a timer's
        elif choice >= 3:
            ticket = others[choice % len(others)]
            task.result = answer_ask({"ticket": ticket}, 10 * self.tickets[ticket])
        else:
            task.result = answer_ask({"ticket": task.ticket}, 10 * int(task.number or 0))


CHOICES = st.lists(st.integers(0, 3 + CALLS), max_size=40)


def questions(context: Any) -> list[calls.Call]:
    return [Activity(context, "ask", Question(number=number), once=True) for number in range(CALLS)]


@given(CHOICES)
def test_what_is_called_patiently_comes_to_its_own_answer(choices: list[int]) -> None:
    engine = Engine(iter(choices))
    found = engine.drive(call_all_patiently(engine, questions(engine)))
    assert [one.value for one in found] == [10 * number for number in range(CALLS)]


@given(CHOICES)
def test_what_is_asked_once_has_its_own_answer_or_a_failure(choices: list[int]) -> None:
    engine = Engine(iter(choices))
    found = engine.drive(call_all(engine, questions(engine)))
    for number, one in enumerate(found):
        assert one.value == 10 * number or (one.failure is not None and one.is_transient)
