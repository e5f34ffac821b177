"""Results over HTTP: the list of a run's result files, and the content of each."""

import asyncio
from http import HTTPStatus
from typing import Any
from urllib.parse import quote

import azure.functions as func
from azure.core.exceptions import ResourceNotFoundError

from fanout.adapters.rows.rows import Rows, rows
from fanout.adapters.run_files.files import RunFiles, run_files
from fanout.adapters.run_files.results import ResultContent, read_result
from fanout.durable.app import Blueprint
from fanout.errors import DamagedFileError, RunConflictError
from fanout.models.status import ResultFile, ResultManifest, RunStatus
from fanout.naming import blob_paths
from starters.api import endpoints
from starters.api.problems import problem
from starters.api.shell import answer, origin_of, run_id_of, serve
from starters.lifecycle.attempts import find_newest
from starters.lifecycle.durable_status import ENDED_BY_FORCE
from starters.lifecycle.status import read_status

bp = Blueprint()
# A browser may show a result file; no script of it runs, and it loads nothing.
_HARMLESS = {
    "Content-Security-Policy": "default-src 'none'; style-src 'unsafe-inline'; img-src data:; "
    "font-src data:; sandbox; frame-ancestors 'self'"
}


@serve(bp, endpoints.GET_RESULTS)
async def get_results(
    req: func.HttpRequest, client: Any, context: func.Context
) -> func.HttpResponse:
    """List the result files of a run that has ended."""
    status = await read_status(run_id_of(req), client, run_files(), rows(), origin_of(req))
    manifest = await asyncio.to_thread(read_manifest, status, run_files())
    files = [_with_url(file, status.results_url) for file in manifest.files]
    return answer(manifest.model_copy(update={"files": files}))


def read_manifest(status: RunStatus, files: RunFiles) -> ResultManifest:
    """Read the list of the result files of a run that has ended.

    Raises:
        RunConflictError: It goes on, or it ended before it had results.
    """
    if status.phase != "done":
        raise RunConflictError(status.run_id, f"The run '{status.run_id}' is still running.")
    # Whoever was about to end it may have written results already; they are not of this end.
    # Those that a redrive finds there are of the attempt before.
    if status.status in ENDED_BY_FORCE and not status.redrive_count:
        raise _no_results(status)
    path = blob_paths.results_manifest_path(status.run_id)
    try:
        return files.read_model(ResultManifest, path)
    except ResourceNotFoundError as error:
        raise _no_results(status) from error


def _no_results(status: RunStatus) -> RunConflictError:
    reason = status.error or "it ended before it had any"
    return RunConflictError(status.run_id, f"The run '{status.run_id}' has no results: {reason}")


def _with_url(file: ResultFile, results_url: str) -> ResultFile:
    return file.model_copy(update={"url": f"{results_url}/{quote(file.name)}"})


@serve(bp, endpoints.GET_RESULT_FILE)
async def get_result_file(req: func.HttpRequest, context: func.Context) -> func.HttpResponse:
    """Give the content of a result file: one that the manifest lists, or one of an item."""
    run_id, name = run_id_of(req), req.route_params["name"]
    try:
        found = await asyncio.to_thread(read_settled_result, run_files(), rows(), run_id, name)
    except (ResourceNotFoundError, KeyError):
        detail = f"The run '{run_id}' has no result file '{name}'."
        return problem(HTTPStatus.NOT_FOUND, "result-not-found", detail)
    # The SDK adds the charset of texts.
    plain = found.media_type.partition(";")[0]
    return func.HttpResponse(found.data, mimetype=plain, headers=_HARMLESS)


def read_settled_result(files: RunFiles, rows: Rows, run_id: str, name: str) -> ResultContent:
    """Read a result file, unless a redrive is about to replace it.

    Raises:
        KeyError: The manifest lists no such file.
        ResourceNotFoundError: There is no manifest yet, or no such file of an item.
        DamagedFileError: The file is gone, or not as it was written.
        RunConflictError: It is, because a redrive writes it anew.
    """
    try:
        return read_result(files, run_id, name)
    except DamagedFileError:
        if find_newest(run_id, files, rows).is_over:
            return read_result(files, run_id, name)  # a redrive may have ended meanwhile
        message = f"The run '{run_id}' is being redriven, which writes '{name}' anew."
        raise RunConflictError(run_id, message) from None
