"""Workloads whose code does everything that it should not, as an item asks for it."""

import asyncio
import contextlib
import sys
import threading
from collections.abc import Callable, Iterator
from typing import Any, ClassVar, NoReturn

import numpy as np
from pydantic import BaseModel, ConfigDict, field_validator
from pydantic_core import from_json, to_json

from fanout.errors import PermanentError, TransientError
from fanout.models.outcome import ErrorInfo, Outcome
from fanout.records import Chunk
from fanout.splitting.records import parse_records
from fanout.workload import (
    ChunkResult,
    ChunkWorkload,
    Context,
    Failure,
    ItemFiles,
    MapWorkload,
    NoParameters,
    RenderedFile,
)
from workloads import registry


class UnprintableError(Exception):
    """An error without a text."""

    def __init__(self, fault: BaseException) -> None:
        super().__init__()
        self.fault = fault

    def __str__(self) -> str:
        raise self.fault

    __repr__ = __str__


class UnpicklableError(Exception):
    """An error that cannot travel."""

    def __reduce__(self) -> NoReturn:
        raise TypeError("no pickle of this")


class BareTransientError(TransientError):
    """An error with a constructor of its own, which does not call that of its class."""

    def __init__(self, code: int) -> None:
        self.code = code


class NamelessMeta(type):
    """Makes classes that do not give their names."""

    @property
    def __name__(cls) -> str:  # type: ignore[override]
        raise SystemExit(9)


class NamelessError(Exception, metaclass=NamelessMeta):
    """An error whose class has no name."""


class ClasslessError(Exception):
    """An error that does not say of what class it is."""

    @property  # type: ignore[misc]
    def __class__(self) -> NoReturn:
        raise SystemExit(10)


class OddText(str):
    """A text that encodes to no bytes."""

    __slots__ = ()

    def encode(self, *arguments: Any, **named: Any) -> Any:
        return self

    def decode(self) -> int:
        return 7


class OddTextError(Exception):
    """An error whose text is of a class of its own."""

    def __str__(self) -> str:
        return OddText("odd")


class NoTime:
    """A time to wait that is none."""

    def __float__(self) -> float:
        raise SystemExit(11)


class EmptyGroupError(ExceptionGroup[Exception]):
    """A group that does not give its members."""

    @property
    def exceptions(self) -> NoReturn:  # type: ignore[override]
        raise SystemExit(12)


def _nest(levels: int, members: int) -> Exception:
    error: Exception = ValueError("innermost")
    for _ in range(levels):
        error = ExceptionGroup("group", [error] * members)
    return error


ODD_NAME = type("Odd \n Error" + "x" * 1000, (Exception,), {})


def _own_cause() -> Exception:
    first, second = ValueError("first"), ValueError("second")
    first.__cause__, second.__cause__ = second, first
    return first


def _deep(levels: int) -> list[Any]:
    value: list[Any] = []
    for _ in range(levels):
        value = [value]
    return value


class _Sized:
    """Claims a length and an order, and has neither."""

    def __iter__(self) -> Iterator[Any]:
        raise SystemExit(5)

    def __len__(self) -> int:
        raise KeyboardInterrupt


class _Model(BaseModel):
    value: Any = None


def _exits() -> Iterator[int]:
    yield 1
    raise SystemExit(6)


# What is raised, by the name that an item gives it.
ERRORS: dict[str, Callable[[], BaseException]] = {
    "surrogate": lambda: ValueError("cannot open caf\udce9.txt"),
    "nul": lambda: ValueError("a\x00b\x1b[31m"),
    "unprintable": lambda: UnprintableError(RuntimeError("no text")),
    "unprintable-exit": lambda: UnprintableError(SystemExit(4)),
    "unpicklable": lambda: UnpicklableError("x"),
    "odd-name": lambda: ODD_NAME("x"),
    "exit": lambda: SystemExit(3),
    "exit-text": lambda: SystemExit("usage: caf\udce9"),
    "interrupt": lambda: KeyboardInterrupt(),
    "generator-exit": lambda: GeneratorExit(),
    "stop": lambda: StopIteration(7),
    "stop-async": lambda: StopAsyncIteration(),
    "cancelled": lambda: asyncio.CancelledError(),
    "group": lambda: ExceptionGroup("many", [ValueError("one\udce9"), KeyError("two")]),
    "base-group": lambda: BaseExceptionGroup("many", [SystemExit(1), _own_cause()]),
    "huge": lambda: ValueError("x" * 10_000_000),
    "recursion": lambda: RecursionError("too deep"),
    "memory": lambda: MemoryError(),
    "own-cause": _own_cause,
    "permanent-surrogate": lambda: PermanentError("\ud83d"),
    "late-nan": lambda: TransientError("later", retry_after=float("nan")),
    "late-text": lambda: TransientError("later", retry_after="soon"),  # type: ignore[arg-type]
    "late-forever": lambda: TransientError("later", retry_after=10**400),
    "late-negative": lambda: TransientError("later", retry_after=-5),
    "late-bare": lambda: BareTransientError(503),
    "late-class": lambda: TransientError("later", retry_after=NoTime()),  # type: ignore[arg-type]
    "nameless": lambda: NamelessError("x"),
    "empty-name": lambda: type("", (Exception,), {})("x"),
    "classless": lambda: ClasslessError("x"),
    "odd-text": OddTextError,
    "empty-group": lambda: EmptyGroupError("many", [ValueError("one")]),
    "deep-group": lambda: _nest(3000, 1),
    "wide-group": lambda: _nest(30, 5),
    "no-arguments": lambda: UnicodeDecodeError("utf-8", b"\xe9", 0, 1, "no"),
}
# What is returned that is no JSON.
OUTPUTS: dict[str, Callable[[], Any]] = {
    "nan": lambda: {"price": float("nan")},
    "infinity": lambda: [1.0, float("-inf")],
    "digits": lambda: {"n": 10**5000},
    "out-surrogate": lambda: {"text": "cut \ud83d"},
    "key-surrogate": lambda: {"cut \ud83d": 1},
    "bytes": lambda: b"\xff\xfe",
    "object": object,
    "deep": lambda: _deep(180),
    "very-deep": lambda: _deep(100_000),
    "generator": _exits,
    "sized": _Sized,
    "coroutine": lambda: asyncio.sleep,
}
# What is returned that has a form in JSON.
SOUND: dict[str, tuple[Callable[[], Any], Any]] = {
    "set": (lambda: {1}, [1]),
    "big": (lambda: 10**4000, 10**4000),
    "text-of-bytes": (lambda: b"abc", "abc"),
    "nan-text": (lambda: "NaN and Infinity", "NaN and Infinity"),
    "none": (lambda: None, None),
    # A model's own rule (`ser_json_inf_nan`).
    "model": (lambda: _Model(value=float("nan")), {"value": None}),
    "levels": (lambda: _deep(100), _deep(100)),
}
# What ruins the event loop around a coroutine.
RUINS = ("task-exits", "loop-stops", "cancels-itself", "cancels-all", "loop-closes")
# What never ends by itself.
HANGS = ("thread", "coroutine", "task")


class HostileItem(BaseModel):
    """An item that says what is to happen."""

    model_config = ConfigDict(extra="forbid")

    id: int
    does: str = "ok"

    @field_validator("does")
    @classmethod
    def _insist(cls, value: str) -> str:
        if value.startswith("validator:"):
            raise ERRORS[value.removeprefix("validator:")]()
        return value


def _carry_out(item: HostileItem) -> Any:
    kind, _, name = item.does.partition(":")
    if kind == "raise":
        raise ERRORS[name]()
    if kind == "return":
        return OUTPUTS[name]()
    if kind == "sound":
        return SOUND[name][0]()
    if kind == "print":
        print("caf\udce9", file=sys.stderr)
    return item.id


class Hostile(MapWorkload[HostileItem, NoParameters]):
    """Does what its items say."""

    name: ClassVar[str] = "hostile"
    item_model = HostileItem

    def item_id(self, item: HostileItem) -> Any:
        kind, _, name = item.does.partition(":")
        if kind == "name":
            raise ERRORS[name]()
        return "caf\udce9" if kind == "odd-name" else f"item-{item.id}"

    def process(self, item: HostileItem, context: Context[NoParameters]) -> Any:
        if item.does == "log":
            context.logger.warning("caf\udce9 %s", UnprintableError(ValueError("no text")))
        return _carry_out(item)

    def compensate(self, item: HostileItem, output: Any, context: Context[NoParameters]) -> None:
        kind, _, name = item.does.partition(":")
        if kind == "undo":
            raise ERRORS[name]()


class AsyncHostile(Hostile):
    """The same as a coroutine, which can also ruin its event loop."""

    name: ClassVar[str] = "async-hostile"

    async def process(self, item: HostileItem, context: Context[NoParameters]) -> Any:
        await asyncio.sleep(0)
        if item.does == "ruin:task-exits":
            task = asyncio.create_task(_exit())
            with contextlib.suppress(Exception):
                await task
        if item.does == "ruin:loop-stops":
            asyncio.get_running_loop().stop()
            await asyncio.sleep(60)
        if item.does == "ruin:cancels-itself":
            task = asyncio.current_task()
            assert task is not None
            task.cancel()
            await asyncio.sleep(60)
        if item.does == "ruin:cancels-all":
            for task in asyncio.all_tasks():
                task.cancel()
            await asyncio.sleep(60)
        if item.does == "ruin:loop-closes":
            asyncio.get_running_loop().close()
        if item.does.startswith("hang:"):
            await _hang(item.does.removeprefix("hang:"))
        return _carry_out(item)


RELEASE = threading.Event()


async def _hang(kind: str) -> None:
    """Hang until `RELEASE` is set, whoever cancels it."""
    if kind == "thread":
        await asyncio.to_thread(RELEASE.wait)
    elif kind == "coroutine":
        await _bear_cancelling()
    else:
        asyncio.get_running_loop().create_task(_bear_cancelling())
        await asyncio.sleep(0.05)


async def _bear_cancelling() -> None:
    while not RELEASE.is_set():
        with contextlib.suppress(asyncio.CancelledError):
            await asyncio.sleep(0.05)


async def _exit() -> None:
    raise SystemExit(8)


class ReportParameters(BaseModel):
    """What the report is to raise."""

    raises: str


class HostileReport(MapWorkload[HostileItem, ReportParameters]):
    """Makes a file, and then raises."""

    name: ClassVar[str] = "hostile-report"
    item_model = HostileItem
    parameters_model = ReportParameters
    is_mended: ClassVar[bool] = False

    def process(self, item: HostileItem, context: Context[ReportParameters]) -> Any:
        return item.id

    def report(
        self, outcomes: Iterator[Outcome], parameters: ReportParameters, files: ItemFiles
    ) -> Iterator[RenderedFile]:
        yield RenderedFile("first.txt", b"first", "text/plain")
        if not type(self).is_mended:
            raise ERRORS[parameters.raises]()


# Failures of an item that a chunk workload may name, and the texts of their outcomes.
FAILURES: dict[str, Callable[[int], Any]] = {
    "surrogate": lambda n: Failure(n, ErrorInfo(type="Odd\udce9", message="caf\udce9")),
    "huge": lambda n: Failure(n, ErrorInfo(type="x" * 10_000, message="y" * 1_000_000)),
    "unchecked": lambda n: Failure(n, ErrorInfo.model_construct(type="Odd", message="\udce9")),
    "no-message": lambda n: Failure(n, ErrorInfo.model_construct(type="Odd", message=None)),
    "text": lambda n: Failure(n, "no"),  # type: ignore[arg-type]
    "exception": lambda n: Failure(n, ValueError("no")),  # type: ignore[arg-type]
    "nothing": lambda n: Failure(n, None),  # type: ignore[arg-type]
    "index-text": lambda n: Failure(str(n), ErrorInfo(type="x", message="y")),  # type: ignore[arg-type]
    "index-float": lambda n: Failure(float(n), ErrorInfo(type="x", message="y")),  # type: ignore[arg-type]
    "index-numpy": lambda n: Failure(np.int64(n), ErrorInfo(type="x", message="y")),  # type: ignore[arg-type]
    "tuple": lambda n: (n, "no"),
}
# A sum from this on cannot be written: `spoil` makes one.
SPOILT = 10**9


class HostileSum(ChunkWorkload[int, NoParameters]):
    """Adds up the ids of a chunk, and raises where an item says so."""

    name: ClassVar[str] = "hostile-sum"
    item_model = HostileItem

    def process_chunk(self, chunk: Chunk, context: Context[NoParameters]) -> ChunkResult[int]:
        total, failures = 0, []
        for record in parse_records(chunk):
            item = HostileItem.model_validate(record.value)
            kind, _, name = item.does.partition(":")
            if kind == "fail":
                failures.append(FAILURES[name](record.index))
                continue
            _carry_out(item)
            total += SPOILT if kind == "spoil" else item.id
        return ChunkResult(total, failures)

    def merge(self, left: int, right: int) -> int:
        return left + right

    def render(self, partial: int | None, parameters: NoParameters) -> Iterator[RenderedFile]:
        yield RenderedFile("sum.json", to_json(partial), "application/json", count=1)

    def dump_partial(self, partial: int) -> bytes:
        if partial >= SPOILT:
            return None  # type: ignore[return-value]
        return to_json(partial)

    def load_partial(self, data: bytes) -> int:
        return int(from_json(data))


class HostileMerge(HostileSum):
    """Adds up, and cannot put the sums of chunks together."""

    name: ClassVar[str] = "hostile-merge"
    is_mended: ClassVar[bool] = False

    def merge(self, left: int, right: int) -> int:
        if not type(self).is_mended:
            raise SystemExit("no sum of caf\udce9")
        return left + right


for workload in (HostileMerge(), Hostile(), AsyncHostile(), HostileReport(), HostileSum()):
    registry.register(workload)
