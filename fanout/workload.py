"""What a workload is: one module that a user writes after reading one example.

Subclass one of the shapes, give it a `name`, a pydantic model for its items and one for its
parameters. A module or a package in `workloads/` that defines such a class is found when the app
starts (`workloads/registry.py`); nothing lists it.
"""

import logging
from abc import ABC, abstractmethod
from collections.abc import Awaitable, Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, ClassVar, Generic, Protocol, TypeVar

from pydantic import BaseModel, ConfigDict

from fanout.errors import FieldProblem
from fanout.models.outcome import ErrorInfo, Outcome
from fanout.models.request import BatchLimits, RetryPolicy
from fanout.records import Chunk, SourceInfo

ItemT = TypeVar("ItemT")
ParametersT = TypeVar("ParametersT", bound=BaseModel)
PartialT = TypeVar("PartialT")


class NoParameters(BaseModel):
    """The parameters of a workload that takes none."""

    model_config = ConfigDict(extra="forbid")


@dataclass(frozen=True)
class Failure:
    """An item of a chunk that could not be used.

    Attributes:
        index: Its index in the source.
        error: Why it could not be used.
    """

    index: int
    error: ErrorInfo


@dataclass(frozen=True)
class ChunkResult(Generic[PartialT]):
    """What a chunk workload made of a chunk.

    Attributes:
        partial: A partial result, which is merged with those of other chunks.
        failures: The items that could not be used.
    """

    partial: PartialT
    failures: list[Failure] = field(default_factory=list)


@dataclass(frozen=True)
class RenderedFile:
    """A file that a workload makes for the results.

    Attributes:
        name: Its name among the results.
        content: Its bytes.
        media_type: Its media type.
        count: How many lines or rows it has; None if it has none.
    """

    name: str
    content: bytes
    media_type: str
    count: int | None = None


class ItemFiles(Protocol):
    """The blobs that items name, and files that are made of items."""

    def read(self, name: str, max_bytes: int) -> bytes:
        """Read a blob of the source's container whole.

        Raises:
            PermanentError: There is none, or it has more than `max_bytes`.
        """
        ...

    def write(self, name: str, content: bytes, media_type: str) -> str:
        """Write a file of an item, over whatever was there; return its name among the results."""
        ...

    def read_result(self, name: str) -> bytes:
        """Read a file of the results by its name there."""
        ...


class NoFiles:
    """The files of a context that has none: that of a chunk, or one made by hand for a test."""

    def read(self, name: str, max_bytes: int) -> bytes:
        """There is nothing to read."""
        raise NotImplementedError("there are no files here")

    def write(self, name: str, content: bytes, media_type: str) -> str:
        """There is nowhere to write."""
        raise NotImplementedError("there are no files here")

    def read_result(self, name: str) -> bytes:
        """There is nothing to read."""
        raise NotImplementedError("there are no files here")


@dataclass(frozen=True)
class Context(Generic[ParametersT]):
    """What a workload may use while it processes an item or a chunk.

    Attributes:
        run_id: The run.
        idempotency_key: ``run_id/item_id/step`` for an item, ``run_id/index`` for a chunk: the same
            however often it is processed.
        attempt: 1 at the first try of this item.
        parameters: The parameters of the run.
        logger: Its lines have the ids of the run and the item.
        files: The blobs that items name, and the files that are made of items; a chunk has none.
    """

    run_id: str
    idempotency_key: str
    attempt: int
    parameters: ParametersT
    logger: logging.Logger
    files: ItemFiles = field(default_factory=NoFiles)


class Workload(ABC, Generic[ParametersT]):
    """What all shapes have.

    Attributes:
        name: What requests call it.
        description: What it does, for people.
        item_model: The pydantic model of an item.
        downstream: Name of the service that items call; None if they call none. When it keeps
            failing (`TransientError`), all runs that call it wait until it is up again.
        batch: How much a batch takes if the request does not say; None fits it to the work.
        parameters_model: The pydantic model of its parameters.
    """

    name: ClassVar[str]
    description: ClassVar[str] = ""
    item_model: ClassVar[type[BaseModel]]
    downstream: ClassVar[str | None] = None
    batch: ClassVar[BatchLimits | None] = None
    parameters_model: ClassVar[type[BaseModel]] = NoParameters

    def check(self, parameters: ParametersT, source: SourceInfo) -> list[FieldProblem]:
        """Name what is wrong with these parameters for this source, before anything starts."""
        return []


class MapWorkload(Workload[ParametersT], Generic[ItemT, ParametersT]):
    """A function over each item."""

    def item_id(self, item: ItemT) -> str | None:
        """The item's own id; None means its index in the source."""
        return None

    @abstractmethod
    def process(self, item: ItemT, context: Context[ParametersT]) -> Any | Awaitable[Any]:
        """Process one item and return its output (JSON); may be `async def`.

        Raises:
            PermanentError: The item can never succeed.
            TransientError: It may succeed later. Any other exception counts as transient.
        """

    def compensate(
        self, item: ItemT, output: Any, context: Context[ParametersT]
    ) -> Awaitable[None] | None:
        """Undo what `process` did to an item; asked for by ``on_exceeded: "compensate"``.

        Raises as `process` does. A workload that does not override it cannot compensate.
        """
        raise NotImplementedError(f"the workload '{self.name}' cannot compensate")

    def report(
        self, outcomes: Iterator[Outcome], parameters: ParametersT, files: ItemFiles
    ) -> Iterable[RenderedFile]:
        """Make result files of the whole run, at its end; a workload that wants some overrides it.

        Args:
            outcomes: Every item's, in source order; those never tried may share one.
            parameters: Of the run.
            files: Reads what `process` has written.
        """
        return ()

    @property
    def has_report(self) -> bool:
        """Whether the workload makes result files of its own."""
        return type(self).report is not MapWorkload.report

    @property
    def can_compensate(self) -> bool:
        """Whether the workload says how an item is compensated."""
        return type(self).compensate is not MapWorkload.compensate


class ChunkWorkload(Workload[ParametersT], Generic[PartialT, ParametersT]):
    """A function over a batch at once, whose partial results merge into one."""

    @abstractmethod
    def process_chunk(self, chunk: Chunk, context: Context[ParametersT]) -> ChunkResult[PartialT]:
        """Summarise one chunk; items that cannot be used come back as failures."""

    @abstractmethod
    def merge(self, left: PartialT, right: PartialT) -> PartialT:
        """Combine two partials; associative, with `left` before `right` in the source."""

    def find_faults(self, partial: PartialT, parameters: ParametersT) -> list[FieldProblem]:
        """Name what the whole source shows to be wrong with the parameters.

        If anything is, the run fails with it and `render` is not called: no result is better than
        a wrong one. `check` names what can be known before the run.
        """
        return []

    @abstractmethod
    def render(self, partial: PartialT | None, parameters: ParametersT) -> Iterable[RenderedFile]:
        """Make the result files of the whole run; `partial` is None if no item was usable."""

    @abstractmethod
    def dump_partial(self, partial: PartialT) -> bytes:
        """Serialise a partial without loss."""

    @abstractmethod
    def load_partial(self, data: bytes) -> PartialT:
        """The inverse of `dump_partial`."""


@dataclass(frozen=True)
class StepContext(Context[ParametersT], Generic[ParametersT]):
    """What a step of a saga may use. An `undo` has the idempotency key of its `do`.

    Attributes:
        outputs: What the steps returned that are done, by their names.
        is_doubtful: For an `undo`: nobody knows whether the `do` took effect, or still will.
        keys: The idempotency keys of all steps, by their names.
        index: The 0-based position of the item in the source: it tells items of one id apart, which
            have the same keys.
    """

    outputs: Mapping[str, Any] = field(default_factory=dict)
    is_doubtful: bool = False
    keys: Mapping[str, str] = field(default_factory=dict)
    index: int = 0

    def key_of(self, step: str) -> str:
        """The idempotency key of another step of the same saga.

        Raises:
            KeyError: It has no such step.
        """
        return self.keys[step]


@dataclass(frozen=True)
class Step:
    """A step of a saga.

    Both functions may be `async def`, and raise as `MapWorkload.process` does. A second call with
    the same idempotency key must change nothing. A `do` that comes after the `undo` with its key
    must raise a `PermanentError`.

    Attributes:
        name: ``[A-Za-z0-9_-]{1,30}``.
        do: ``(item, context) -> output``: does it and returns a reference to what it did: JSON of
            at most 200 bytes, for it travels through the history. A `PermanentError` says that it
            had no effect.
        undo: ``(item, output, context)``: takes it back; None if there is nothing to take back.
            `output` is None if the step ended in doubt.
        after: Names of the steps that must be done before.
        retry: When it is tried again; None takes the run's policy.
    """

    name: str
    do: Callable[[Any, StepContext[Any]], Any]
    undo: Callable[[Any, Any, StepContext[Any]], Any] | None = None
    after: tuple[str, ...] = ()
    retry: RetryPolicy | None = None


# The items of a batch are under way together, each an orchestration of its own.
SAGAS_A_BATCH = 25
MAX_SAGAS_A_BATCH = 50


class SagaWorkload(Workload[ParametersT], Generic[ItemT, ParametersT]):
    """Several dependent steps for each item, undone in reverse if one fails for good."""

    batch = BatchLimits(max_items=SAGAS_A_BATCH)

    def item_id(self, item: ItemT) -> str | None:
        """The item's own id; None means its index in the source."""
        return None

    @property
    @abstractmethod
    def steps(self) -> Sequence[Step]:
        """The steps; together with their `after` they form a graph without cycles."""
