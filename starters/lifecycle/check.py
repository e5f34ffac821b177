"""Whether a request can succeed: its workload, parameters and source are looked at."""

from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any, TypeVar

from pydantic import BaseModel

from fanout.adapters.run_files.files import RunFiles
from fanout.adapters.settings import not_readable_message, settings
from fanout.adapters.sources.reading import inspect
from fanout.adapters.telemetry.logs import logger
from fanout.errors import FieldProblem, InvalidRequestError
from fanout.hints import did_you_mean
from fanout.models.request import RunRequest
from fanout.models.selection import PathSelector, Selection
from fanout.models.source import Source, containers_of
from fanout.printable import describe_failure
from fanout.records import SourceInfo
from fanout.workload import MAX_SAGAS_A_BATCH, MapWorkload, SagaWorkload, Workload
from starters.lifecycle.validation import validate
from workloads import registry

log = logger("http")

Value = TypeVar("Value")


def check_request(request: RunRequest, files: RunFiles) -> None:
    """Refuse a request that cannot succeed.

    Raises:
        InvalidRequestError: Every problem is named.
    """
    problems: list[FieldProblem] = []
    source = _collect(problems, lambda: _inspect_source(request, files))
    workload = _collect(problems, lambda: _find_workload(request.workload))
    if workload is not None:
        parameters = _collect(problems, lambda: _validate_parameters(workload, request))
        if parameters is not None and source is not None:
            problems += _ask_workload(workload, parameters, source)
        problems += _collect(problems, lambda: _compensation_problems(workload, request)) or []
        if isinstance(workload, SagaWorkload):
            problems += _saga_problems(request)
    if problems:
        raise InvalidRequestError(problems)


def _collect(problems: list[FieldProblem], look: Callable[[], Value]) -> Value | None:
    """Give what `look` gives, or add to the problems what it complains of."""
    try:
        return look()
    except InvalidRequestError as error:
        problems += error.problems
        return None


def _inspect_source(request: RunRequest, files: RunFiles) -> SourceInfo:
    """What is known of the source, with the columns that the request's selection adds."""
    problems = [*_container_problems(request.source)]
    if problems:
        raise InvalidRequestError(problems)
    source = inspect(request.source, files.store, request.max_items)
    if source.columns is None or not request.select:
        return source
    problems = [*_selection_problems(request.select, source.columns)]
    if problems:
        raise InvalidRequestError(problems)
    added = [name for name in request.select if name not in source.columns]
    return replace(source, columns=[*source.columns, *added])


def _selection_problems(selection: Selection, columns: list[str]) -> Iterator[FieldProblem]:
    """Name the paths that begin with no column; a number may be a place in an array."""
    for name, selector in selection.items():
        first = selector.path.partition(".")[0] if isinstance(selector, PathSelector) else None
        if first is not None and first not in columns and not first.isdecimal():
            hint = did_you_mean(first, columns)
            message = f"the source has no column '{first}'{hint}"
            yield FieldProblem(f"select.{name}.path", message)


def _container_problems(source: Source) -> Iterator[FieldProblem]:
    """Name the containers that callers may not have read, whether they exist or not."""
    for field, container in containers_of(source):
        if not settings().may_read(container):
            yield FieldProblem(field, not_readable_message(container))


def _find_workload(name: str) -> Workload[Any]:
    try:
        return registry.get(name)
    except registry.UnknownWorkloadError as error:
        raise InvalidRequestError([FieldProblem("workload", str(error))]) from error


def _validate_parameters(workload: Workload[Any], request: RunRequest) -> BaseModel:
    try:
        return validate(workload.parameters_model, request.parameters, "parameters")
    except InvalidRequestError:
        raise
    except BaseException as error:
        raise _check_failure(workload, error) from error


def _ask_workload(
    workload: Workload[Any], parameters: BaseModel, source: SourceInfo
) -> list[FieldProblem]:
    try:
        found = [*workload.check(parameters, source)]
        return [FieldProblem(str(fault.field), str(fault.message)) for fault in found]
    except BaseException as error:
        raise _check_failure(workload, error) from error


def _check_failure(workload: Workload[Any], error: BaseException) -> InvalidRequestError:
    """Say that a workload raises where it should name what is wrong: that is user code."""
    fault = describe_failure(error)
    message = f"the workload '{workload.name}' cannot check them: {fault}"
    log.error(message)
    return InvalidRequestError([FieldProblem("parameters", message)])


def _compensation_problems(workload: Workload[Any], request: RunRequest) -> list[FieldProblem]:
    if request.on_exceeded != "compensate":
        return []
    try:
        if isinstance(workload, MapWorkload) and workload.can_compensate:
            return []
    except BaseException as error:
        raise _check_failure(workload, error) from error
    message = f"the workload '{workload.name}' does not say how an item is compensated"
    return [FieldProblem("on_exceeded", message)]


def _saga_problems(request: RunRequest) -> list[FieldProblem]:
    problems = []
    if request.batch is not None and request.batch.max_items > MAX_SAGAS_A_BATCH:
        message = f"the items of a saga are under way together: {MAX_SAGAS_A_BATCH} at most"
        problems.append(FieldProblem("batch.max_items", message))
    if request.timeouts.batch_seconds is not None:
        message = "sagas have no batch to time; item_seconds holds for each try of a step"
        problems.append(FieldProblem("timeouts.batch_seconds", message))
    return problems
