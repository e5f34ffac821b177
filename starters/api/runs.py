"""The HTTP starter: starting runs, and reading how they stand and what they came to."""

import asyncio
import mimetypes
from http import HTTPStatus
from typing import Any

import azure.durable_functions as df
import azure.functions as func
from azure.core.exceptions import AzureError, ResourceNotFoundError

from fanout.adapters.rows.rows import Rows, rows
from fanout.adapters.run_files.files import RunFiles, run_files
from fanout.adapters.settings import settings
from fanout.adapters.telemetry.logs import logger
from fanout.errors import RunConflictError
from fanout.models.request import RunRequest
from fanout.models.status import ResultFile, ResultManifest
from fanout.naming import blob_paths
from starters.api import endpoints
from starters.api.circuits import circuits_of
from starters.api.problems import problem
from starters.api.shell import accepted, answer, origin, run_id_of, serves
from starters.lifecycle.attempts import newest_attempt, start, status_of
from starters.lifecycle.dry_run import dry_run
from starters.lifecycle.submit import (
    Claimed,
    check_request,
    claim,
    identified,
    parse_request,
    schema_of,
)
from workloads import registry

bp = df.Blueprint()
log = logger("http")
DONE = "done"
# A result file is opened for its looks alone: no script of it runs, and it loads nothing.
_HARMLESS = {
    "Content-Security-Policy": "default-src 'none'; style-src 'unsafe-inline'; img-src data:; "
    "font-src data:; sandbox; frame-ancestors 'self'"
}


@serves(bp, endpoints.START_RUN)
async def start_run(req: func.HttpRequest, client: Any, context: func.Context) -> func.HttpResponse:
    """Start a run, or find the one that this request started before."""
    files = run_files()
    request = parse_request(req.get_body(), settings().max_request_bytes)
    if request.dry_run:
        await asyncio.to_thread(check_request, request, files)
        return answer(await asyncio.to_thread(dry_run, request, files))
    request = identified(request, req.headers.get("Idempotency-Key"))
    await asyncio.to_thread(known_or_sound, request, files)
    claimed = await asyncio.to_thread(claim, request, files, rows())
    what = "accepted" if claimed.is_new else "found again"
    log.info("%s a run of '%s'", what, request.workload, extra={"run_id": claimed.run_id})
    state = await started(client, claimed, files, rows())
    durable = {}
    if settings().expose_durable_urls:
        durable = client.create_http_management_payload(claimed.run_id)
    status = HTTPStatus.OK if state == DONE else HTTPStatus.ACCEPTED
    return accepted(req, claimed.run_id, status, **durable)


def known_or_sound(request: RunRequest, files: RunFiles) -> None:
    """Check a request, unless its run exists: a source may be gone once its run is over."""
    if files.find_request(str(request.run_id)) is not None:
        return
    check_request(request, files)


async def started(client: Any, claimed: Claimed, files: RunFiles, to: Rows) -> str | None:
    """Start the claimed run unless it was; tell whether it is over (`DONE`).

    A claim that nobody started, because whoever claimed it crashed, is started by the same request
    again. Where both are at it at once, the host refuses the later one, or the run itself finds
    that it is over.
    """
    run_id = claimed.run_id
    if not claimed.is_new:
        attempt = await newest_attempt(run_id, client, files, to)
        if attempt.is_begun or attempt.is_over:
            return DONE if attempt.is_over else None
    try:
        await start(run_id, 1, client, files)
    except Exception:  # the SDK raises Exception itself
        if not await client.get_status(run_id):
            raise
    return None


@serves(bp, endpoints.GET_RUN)
async def get_run(req: func.HttpRequest, client: Any, context: func.Context) -> func.HttpResponse:
    """Tell how a run stands."""
    return answer(await status_of(run_id_of(req), client, run_files(), rows(), origin(req)))


@serves(bp, endpoints.GET_RESULTS)
async def get_results(
    req: func.HttpRequest, client: Any, context: func.Context
) -> func.HttpResponse:
    """List the result files of a run that has ended."""
    status = await status_of(run_id_of(req), client, run_files(), rows(), origin(req))
    if status.phase != DONE:
        raise RunConflictError(status.run_id, f"The run '{status.run_id}' is still running.")
    path = blob_paths.results_manifest_path(status.run_id)
    try:
        data = await asyncio.to_thread(run_files().read, path)
    except ResourceNotFoundError as error:
        reason = status.error or "it ended before it had any"
        raise RunConflictError(
            status.run_id, f"The run '{status.run_id}' has no results: {reason}"
        ) from error
    manifest = ResultManifest.model_validate_json(data)
    files = [_with_url(file, status.results_url) for file in manifest.files]
    return answer(manifest.model_copy(update={"files": files}))


def _with_url(file: ResultFile, results_url: str) -> ResultFile:
    return file.model_copy(update={"url": f"{results_url}/{file.name}"})


@serves(bp, endpoints.GET_RESULT_FILE)
async def get_result_file(req: func.HttpRequest, context: func.Context) -> func.HttpResponse:
    """Give the content of a result file: one that the manifest lists, or one of an item."""
    run_id, name = run_id_of(req), req.route_params["name"]
    files = run_files()
    try:
        media_type = await asyncio.to_thread(_media_type, files, run_id, name)
        content = await asyncio.to_thread(files.read, blob_paths.result_path(run_id, name))
    except (ResourceNotFoundError, KeyError):
        detail = f"The run '{run_id}' has no result file '{name}'."
        return problem(HTTPStatus.NOT_FOUND, "result-not-found", detail)
    # The SDK adds the charset of texts.
    plain = media_type.partition(";")[0]
    return func.HttpResponse(content, mimetype=plain, headers=_HARMLESS)


def _media_type(files: RunFiles, run_id: str, name: str) -> str:
    """The media type of a result file.

    Raises:
        KeyError: There is no such file.
        ResourceNotFoundError: There is no manifest yet.
    """
    if blob_paths.is_item_file_name(name):
        return mimetypes.guess_type(name)[0] or "application/octet-stream"
    data = files.read(blob_paths.results_manifest_path(run_id))
    listed = {file.name: file for file in ResultManifest.model_validate_json(data).files}
    return listed[name].media_type


@serves(bp, endpoints.LIST_WORKLOADS)
async def list_workloads(req: func.HttpRequest, context: func.Context) -> func.HttpResponse:
    """List what can be run."""
    return answer({"workloads": [schema_of(workload.name) for workload in registry.all()]})


@serves(bp, endpoints.GET_WORKLOAD)
async def get_workload(req: func.HttpRequest, context: func.Context) -> func.HttpResponse:
    """Describe one workload."""
    try:
        return answer(schema_of(req.route_params["name"]))
    except registry.UnknownWorkloadError as error:
        return problem(HTTPStatus.NOT_FOUND, "workload-not-found", str(error))


@serves(bp, endpoints.GET_HEALTH)
async def get_health(
    req: func.HttpRequest, client: Any, context: func.Context
) -> func.HttpResponse:
    """Tell whether what the app depends on answers."""
    return await health(client, run_files(), rows())


async def health(client: Any, files: RunFiles, to: Rows) -> func.HttpResponse:
    """Ask each dependency; 503 if any is down."""
    found = {"storage": await _storage_health(files), "durable": await _durable_health(client)}
    is_up = all(state == "up" for state in found.values())
    status = HTTPStatus.OK if is_up else HTTPStatus.SERVICE_UNAVAILABLE
    circuits = await asyncio.to_thread(circuits_of, to) if found["storage"] == "up" else {}
    body = {"status": "up" if is_up else "down", "dependencies": found, "circuits": circuits}
    return answer(body, status)


async def _storage_health(files: RunFiles) -> str:
    try:
        await asyncio.to_thread(files.store.ping, files.container)
    except AzureError as error:
        log.warning("storage does not answer", exc_info=error)
        return f"down: {type(error).__name__}"
    return "up"


async def _durable_health(client: Any) -> str:
    try:
        await client.get_status("health-probe")
    except Exception as error:  # the SDK raises Exception itself
        log.warning("the durable host does not answer", exc_info=error)
        return f"down: {type(error).__name__}"
    return "up"
