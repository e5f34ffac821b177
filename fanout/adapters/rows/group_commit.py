"""Changes of one row by many threads of a process: read once, changed by all, written once.

Whoever finds nobody at work carries out the changes of all who wait meanwhile, as databases do with
the records of their logs. Between processes the ETag of the row decides.
"""

from collections.abc import Callable
from threading import Condition
from typing import Any, Generic, TypeVar

from pydantic import BaseModel

Model = TypeVar("Model", bound=BaseModel)
Rule = Callable[[Model], tuple[Model, Any]]


class _Change(Generic[Model]):
    """A change that somebody waits for."""

    def __init__(self, rule: Rule[Model]) -> None:
        self.rule = rule
        self.is_done = False
        self.answer: Any = None
        self.error: BaseException | None = None

    def result(self) -> Any:
        if self.error is not None:
            raise self.error
        return self.answer


class GroupCommit(Generic[Model]):
    """Gathers the changes of a row.

    Args:
        write: Reads the row, applies a rule, and writes the row; gives the rule's answer.
    """

    def __init__(self, write: Callable[[Rule[Model]], Any]) -> None:
        self._write = write
        self._turn = Condition()
        self._changes: list[_Change[Model]] = []
        self._is_busy = False

    def change(self, rule: Rule[Model]) -> Any:
        """Change the row by a rule, after all rules that came before it; give its answer.

        Raises:
            Exception: What the write raised; it was the same for all that it was for.
        """
        change = _Change(rule)
        with self._turn:
            self._changes.append(change)
            while self._is_busy and not change.is_done:
                self._turn.wait()
            if change.is_done:
                return change.result()
            self._is_busy = True
            group, self._changes = self._changes, []
        self._carry_out(group)
        return change.result()

    def _carry_out(self, group: list[_Change[Model]]) -> None:
        try:
            answers = self._write(_in_order(group))
        except BaseException as error:  # noqa: BLE001  raised by each that waits for it
            self._end(group, [None] * len(group), error)
        else:
            self._end(group, answers, None)

    def _end(
        self, group: list[_Change[Model]], answers: list[Any], error: BaseException | None
    ) -> None:
        with self._turn:
            for change, answer in zip(group, answers, strict=True):
                change.answer, change.error, change.is_done = answer, error, True
            self._is_busy = False
            self._turn.notify_all()


def _in_order(group: list[_Change[Model]]) -> Rule[Model]:
    """One rule that applies those of a group one after the other, and gives all their answers."""

    def rule(model: Model) -> tuple[Model, list[Any]]:
        answers = []
        for change in group:
            model, answer = change.rule(model)
            answers.append(answer)
        return model, answers

    return rule
