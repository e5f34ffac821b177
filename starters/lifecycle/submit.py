"""From a body to a run that exists: what every starter does, whatever triggered it."""

import hashlib
import secrets
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Any, TypeVar

from pydantic import BaseModel, ValidationError
from pydantic_core import from_json

from fanout.adapters.rows.open_runs import note_open
from fanout.adapters.rows.rows import Rows
from fanout.adapters.run_files.files import RunFiles
from fanout.adapters.settings import not_readable_message, settings
from fanout.adapters.sources.reading import inspect
from fanout.errors import FieldProblem, InvalidRequestError, RunConflictError
from fanout.models.request import RunRequest
from fanout.models.source import Source, containers_of
from fanout.records import SourceInfo
from fanout.workload import MAX_SAGAS_A_BATCH, MapWorkload, SagaWorkload, Workload
from starters.api.problems import ROOT, RequestTooLargeError, field_problems
from workloads import registry

Found = TypeVar("Found")
# Parsers and validators recurse; nobody's request does.
MAX_DEPTH = 64


@dataclass(frozen=True)
class Claimed:
    """A run id and whether this call is the one that claimed it."""

    run_id: str
    request: RunRequest
    is_new: bool


def parse_request(body: bytes, max_bytes: int) -> RunRequest:
    """Read a RunRequest.

    Raises:
        RequestTooLargeError: It is longer than `max_bytes`.
        InvalidRequestError: It is no JSON, or no RunRequest; every fault is named.
    """
    try:
        return RunRequest.model_validate(parse_document(body, max_bytes))
    except ValidationError as invalid:
        raise InvalidRequestError(field_problems(invalid)) from invalid


def parse_document(body: bytes, max_bytes: int) -> dict[str, Any]:
    """Read a JSON object.

    Raises:
        RequestTooLargeError: It is longer than `max_bytes`.
        InvalidRequestError: It is no JSON object, or is nested too deep.
    """
    if len(body) > max_bytes:
        raise RequestTooLargeError(
            f"The body has {len(body)} bytes; this app accepts {max_bytes}. Put the items into a "
            "blob, or raise FANOUT_MAX_REQUEST_BYTES."
        )
    try:
        document = from_json(body, allow_inf_nan=False)
    except ValueError as error:
        raise InvalidRequestError([FieldProblem(ROOT, f"it is no JSON: {error}")]) from error
    if not isinstance(document, dict):
        raise InvalidRequestError([FieldProblem(ROOT, "it is no JSON object")])
    if _is_deeper(document, MAX_DEPTH):
        message = f"its objects and lists are nested more than {MAX_DEPTH} deep"
        raise InvalidRequestError([FieldProblem(ROOT, message)])
    return document


def _is_deeper(document: Any, most: int) -> bool:
    """Tell whether objects and lists are nested deeper than that; the document itself is 1."""
    level = [document]
    for _ in range(most):
        level = [
            child
            for one in level
            for child in (one.values() if isinstance(one, dict) else one)
            if isinstance(child, dict | list)
        ]
        if not level:
            return False
    return True


def check_request(request: RunRequest, files: RunFiles) -> None:
    """Refuse what cannot succeed: workload, parameters and source are looked at.

    Raises:
        InvalidRequestError: Every problem found is named.
    """
    problems: list[FieldProblem] = []
    source = _collect(problems, lambda: _source(request, files))
    workload = _collect(problems, lambda: _workload(request.workload))
    if workload is not None:
        parameters = _collect(problems, lambda: _parameters(workload, request))
        if parameters is not None and source is not None:
            problems += workload.check(parameters, source)
        problems += _compensation(workload, request)
        if isinstance(workload, SagaWorkload):
            problems += _saga_limits(request)
    if problems:
        raise InvalidRequestError(problems)


def _source(request: RunRequest, files: RunFiles) -> SourceInfo:
    """What is known of the source, with the columns that the request's selection adds."""
    barred = [*_barred(request.source)]
    if barred:
        raise InvalidRequestError(barred)
    found = inspect(request.source, files.store)
    if found.columns is None or not request.select:
        return found
    added = [name for name in request.select if name not in found.columns]
    return replace(found, columns=[*found.columns, *added])


def _barred(source: Source) -> Iterator[FieldProblem]:
    """Name the containers that callers may not have read, be they there or not."""
    for name, container in containers_of(source):
        if not settings().may_read(container):
            yield FieldProblem(name, not_readable_message(container))


def _collect(problems: list[FieldProblem], look: Callable[[], Found]) -> Found | None:
    """Give what `look` finds, or add to the problems what it complains of."""
    try:
        return look()
    except InvalidRequestError as error:
        problems += error.problems
        return None


def _workload(name: str) -> Workload[Any]:
    try:
        return registry.get(name)
    except registry.UnknownWorkloadError as error:
        raise InvalidRequestError([FieldProblem("workload", str(error))]) from error


def _compensation(workload: Workload[Any], request: RunRequest) -> list[FieldProblem]:
    can_compensate = isinstance(workload, MapWorkload) and workload.can_compensate
    if request.on_exceeded != "compensate" or can_compensate:
        return []
    message = f"the workload '{workload.name}' does not say how an item is compensated"
    return [FieldProblem("on_exceeded", message)]


def _saga_limits(request: RunRequest) -> list[FieldProblem]:
    problems = []
    if request.batch is not None and request.batch.max_items > MAX_SAGAS_A_BATCH:
        message = f"the items of a saga are under way together: {MAX_SAGAS_A_BATCH} at most"
        problems.append(FieldProblem("batch.max_items", message))
    if request.timeouts.batch_seconds is not None:
        message = "sagas have no batch to time; item_seconds holds for each try of a step"
        problems.append(FieldProblem("timeouts.batch_seconds", message))
    return problems


def _parameters(workload: Workload[Any], request: RunRequest) -> BaseModel:
    try:
        return workload.parameters_model.model_validate(request.parameters)
    except ValidationError as invalid:
        raise InvalidRequestError(field_problems(invalid, "parameters")) from invalid


def identified(request: RunRequest, idempotency_key: str | None) -> RunRequest:
    """Give the request the id of its run: its own, or the key's, or a new one."""
    run_id = request.run_id or _derived_id(idempotency_key) or _generated_id(request.workload)
    return request.model_copy(update={"run_id": run_id})


def claim(request: RunRequest, files: RunFiles, rows: Rows, *, is_queued: bool = False) -> Claimed:
    """Claim the run id for this request, or find that the same request has claimed it before.

    Args:
        request: With the id of its run.
        files: Where runs are kept.
        rows: Their rows; until the run has ended, it is among those that somebody looks after.
        is_queued: Whether the run waits for earlier ones of its schedule.

    Raises:
        RunConflictError: The id belongs to another request.
    """
    run_id = str(request.run_id)
    if files.find_request(run_id) is None:
        note_open(rows, run_id, 1, is_queued=is_queued)
    if files.claim(run_id, request):
        return Claimed(run_id, request, is_new=True)
    if files.request(run_id) != request:
        raise RunConflictError(
            run_id, f"The run '{run_id}' exists and was started by another request."
        )
    return Claimed(run_id, request, is_new=False)


def _derived_id(idempotency_key: str | None) -> str | None:
    if not idempotency_key:
        return None
    return "key-" + hashlib.sha256(idempotency_key.encode()).hexdigest()[:40]


def _generated_id(workload: str) -> str:
    now = datetime.now(UTC)
    return f"{workload}-{now:%Y%m%dT%H%M%S}-{secrets.token_hex(4)}"


def schema_of(name: str) -> dict[str, Any]:
    """Describe a workload with the JSON Schemas of its items and parameters.

    Raises:
        UnknownWorkloadError: There is none of this name.
    """
    workload = registry.get(name)
    return {
        "name": workload.name,
        "description": workload.description,
        "downstream": workload.downstream,
        "items": workload.item_model.model_json_schema(),
        "parameters": workload.parameters_model.model_json_schema(),
    }
