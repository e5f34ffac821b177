"""The errors of Fanout, and nothing else.

A workload raises `PermanentError` or `TransientError` for one item. The rest describe a request
that cannot be carried out; `starters` translates them to problem JSON in one place.
"""

from dataclasses import dataclass

MAX_PROBLEMS = 100
MAX_FIELD_CHARACTERS = 1_000
MAX_MESSAGE_CHARACTERS = 2_000


class FanoutError(Exception):
    """Anything that Fanout itself reports."""


class PermanentError(FanoutError):
    """This item can never succeed (bad data, rejected by the business): it is not tried again."""


class LimitError(PermanentError):
    """There is more of something than a limit allows, and no single item is to blame."""


class TransientError(FanoutError):
    """This item may succeed later.

    Args:
        message: What went wrong.
        retry_after: Seconds that the other side asked us to wait, if it did.
    """

    def __init__(self, message: str, retry_after: float | None = None) -> None:
        super().__init__(message)
        self.retry_after = retry_after


class UnavailableError(TransientError):
    """What the item needs cannot be reached or is too busy: this was no try of the item's own."""


class AttemptOverError(TransientError):
    """The attempt of the run ended before this item's turn came."""


@dataclass(frozen=True, slots=True)
class FieldProblem:
    """One thing that is wrong with a request.

    Attributes:
        field: Dotted path of the field, as the caller wrote it: ``source.blob``.
        message: What is wrong with it and, where there are choices, what they are.
    """

    field: str
    message: str


class InvalidRequestError(FanoutError):
    """A request that names something impossible; nothing was started.

    A request of a megabyte may have a fault in every field, and one with a name as long. So the
    first of many problems are told, and the beginnings of long texts.
    """

    def __init__(self, problems: list[FieldProblem]) -> None:
        told = [_shorten_problem(problem) for problem in problems[:MAX_PROBLEMS]]
        if more := len(problems) - len(told):
            told.append(FieldProblem("body", f"it has {more:,} more problems"))
        super().__init__("; ".join(f"{p.field}: {p.message}" for p in told))
        self.problems = told


def _shorten_problem(problem: FieldProblem) -> FieldProblem:
    field = _shorten(problem.field, MAX_FIELD_CHARACTERS)
    return FieldProblem(field, _shorten(problem.message, MAX_MESSAGE_CHARACTERS))


def _shorten(text: str, characters: int) -> str:
    return text if len(text) <= characters else f"{text[:characters]}..."


class RunConflictError(FanoutError):
    """The run exists and this call does not fit it: another request, or its state forbids it."""

    def __init__(self, run_id: str, message: str) -> None:
        super().__init__(message)
        self.run_id = run_id


class RunNotFoundError(FanoutError):
    """No run has this id."""

    def __init__(self, run_id: str) -> None:
        super().__init__(f"There is no run '{run_id}'.")
        self.run_id = run_id


class SourceChangedError(FanoutError):
    """The source blob is not the one that was planned: its ETag differs."""

    def __init__(self, blob: str) -> None:
        super().__init__(f"The source '{blob}' changed after the run was planned.")
        self.blob = blob


class UnreadableDocumentError(FanoutError):
    """What is kept of a run cannot be read: it is damaged, or of a version that is not known.

    Args:
        name: Which document or row.
        reason: Why it cannot be read.
    """

    def __init__(self, name: str, reason: str) -> None:
        super().__init__(f"'{name}' cannot be read: {reason}")
        self.name = name
        self.reason = reason


class UnknownVersionError(UnreadableDocumentError):
    """What is kept of a run is of a version that is not known: another version of the app does."""


class DamagedFileError(FanoutError):
    """A file of a run is gone, or not as it was written: no results are made of it.

    Args:
        path: Which file.
        fault: What is wrong with it.
    """

    def __init__(self, path: str, fault: str) -> None:
        message = f"'{path}' {fault}; a redrive of the run carries out again what it stood for"
        super().__init__(message)
        self.path = path
