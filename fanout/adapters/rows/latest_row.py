"""A row that a process changes again and again: changed unread, as long as nobody else changes it.

A change is written under the ETag of the process's own last one. Once that has failed, the row is
read again before each change, until a read finds that nobody else has changed it since.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

from pydantic import BaseModel

from fanout.adapters.tables import RowConflictError

Model = TypeVar("Model", bound=BaseModel)
Rule = Callable[[Model], tuple[Model, Any]]


@dataclass(frozen=True)
class Version(Generic[Model]):
    """A row as it was at some time; its ETag is None where there was none."""

    model: Model
    etag: str | None


class LatestRow(Generic[Model]):
    """What a process knows of a row; for one thread at a time.

    Args:
        read: Gives the row as it is.
        write: Writes it in place of the version that has this ETag, and gives the new one; raises
            `RowConflictError` if somebody has changed it.
        tries: Counts tries, and raises when there were too many.
    """

    def __init__(
        self,
        read: Callable[[], Version[Model]],
        write: Callable[[Model, str | None], str],
        tries: Callable[[], Any],
    ) -> None:
        self._read = read
        self._write = write
        self._tries = tries
        self._own: Version[Model] | None = None
        self._is_alone = True

    def change(self, rule: Rule[Model]) -> Any:
        """Change the row by a rule, and give the rule's answer.

        The rule is asked again where the row was not as it was thought to be. That nothing is to be
        changed is believed only of a row that was just read.

        Raises:
            RowContentionError: Others changed it each time.
        """
        if self._own is not None and self._is_alone:
            after, answer = rule(self._own.model)
            if after != self._own.model and self._is_written(after, self._own):
                return answer
        for _ in self._tries():
            before = self._read()
            self._is_alone = self._own is None or before.etag == self._own.etag
            after, answer = rule(before.model)
            if after == before.model or self._is_written(after, before):
                return answer
        raise AssertionError("tries end by raising")

    def _is_written(self, after: Model, before: Version[Model]) -> bool:
        try:
            self._own = Version(after, self._write(after, before.etag))
        except RowConflictError:
            self._is_alone = False
            return False
        return True
