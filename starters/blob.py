"""The blob starter: a blob dropped into the container `inbox` under ``{workload}/`` is run over.

How it is run may be said once for all blobs of a folder, by ``{workload}/request.json``: a
RunRequest without workload, run id and source. A blob written again is run over again; an event
that comes twice starts one run.
"""

import asyncio
import hashlib
import re
from typing import Any

import azure.durable_functions as df
import azure.functions as func
from azure.core.exceptions import ResourceNotFoundError
from pydantic import ValidationError

from fanout.adapters.rows.rows import Rows, rows
from fanout.adapters.run_files.files import RunFiles, run_files
from fanout.adapters.settings import INBOX, STORAGE, Settings, settings
from fanout.adapters.telemetry.logs import bind_invocation, logger
from fanout.errors import FieldProblem, InvalidRequestError
from fanout.models.request import RunRequest
from fanout.naming import functions
from starters.api.problems import field_problems
from starters.lifecycle.begin import begin
from starters.lifecycle.submit import Claimed, parse_document

TEMPLATE = "request.json"
KINDS = {".csv": "csv", ".jsonl": "jsonl", ".json": "json", ".parquet": "parquet"}
_COMPRESSED = re.compile(r"\.(gz|zst)$")
_STEM_CHARACTERS = 40
log = logger("blob")


def blueprint(to: Settings) -> df.Blueprint:
    """Make the function that a blob triggers, if the settings want it."""
    made = df.Blueprint()
    if not to.has_inbox:
        return made
    handler: Any = made.durable_client_input(client_name="client")(start_run_over_blob)
    handler = made.blob_trigger(
        arg_name="blob",
        path=f"{INBOX}/{{workload}}/{{name}}",
        connection=STORAGE,
        source=func.BlobSource.EVENT_GRID,
    )(handler)
    made.function_name(functions.START_RUN_OVER_BLOB)(handler)
    return made


async def start_run_over_blob(blob: func.InputStream, client: Any, context: func.Context) -> None:
    """Start a run over a blob; shell around `start_over`."""
    with bind_invocation(context):
        await start_over(str(blob.name).removeprefix(f"{INBOX}/"), client, run_files(), rows())


async def start_over(blob: str, client: Any, files: RunFiles, to: Rows) -> Claimed | None:
    """Start a run over a blob of the inbox; None where it asks for none.

    Raises:
        InvalidRequestError: It cannot be run over; the host then keeps it as a poison blob.
    """
    if blob.partition("/")[2] == TEMPLATE:
        return None
    found = await asyncio.to_thread(files.store.properties, INBOX, blob)
    if found is None:
        log.warning("'%s' is gone before it could be run over", blob)
        return None
    template = await asyncio.to_thread(_template, blob, files)
    request = request_for(blob, found.etag, template)
    claimed = await begin(request, client, files, to)
    what = "started" if claimed.is_new else "found again"
    log.info("%s over the blob '%s'", what, blob, extra={"run_id": claimed.run_id})
    return claimed


def _template(blob: str, files: RunFiles) -> dict[str, Any]:
    path = f"{blob.partition('/')[0]}/{TEMPLATE}"
    try:
        data = files.store.read(INBOX, path)
    except ResourceNotFoundError:
        return {}
    return parse_document(data, settings().max_request_bytes)


def request_for(blob: str, etag: str, template: dict[str, Any]) -> RunRequest:
    """The request to run over a blob.

    Args:
        blob: Its name in the inbox: ``{workload}/{name}``.
        etag: Which version of it.
        template: What the folder's `request.json` says.

    Raises:
        InvalidRequestError: Its name says no format, or the template asks for what it may not.
    """
    ours = {"workload", "run_id", "source"} & template.keys()
    if ours:
        message = "follows from the blob; leave it out"
        raise InvalidRequestError([FieldProblem(f"{TEMPLATE}: {name}", message) for name in ours])
    source = {"kind": _kind(blob), "container": INBOX, "blob": blob}
    workload = blob.partition("/")[0]
    body = {**template, "workload": workload, "run_id": run_id(blob, etag), "source": source}
    try:
        return RunRequest.model_validate(body)
    except ValidationError as invalid:
        raise InvalidRequestError(field_problems(invalid)) from invalid


def run_id(blob: str, etag: str) -> str:
    """The id of the run over one version of a blob: ``reports-flights.csv-1f0c...``."""
    workload, _, name = blob.partition("/")
    stem = re.sub(r"[^A-Za-z0-9._]+", "-", name.rpartition("/")[2])[:_STEM_CHARACTERS]
    digest = hashlib.sha256(f"{blob}\n{etag}".encode()).hexdigest()[:16]
    return f"{re.sub(r'[^A-Za-z0-9._]+', '-', workload)[:_STEM_CHARACTERS]}-{stem}-{digest}"


def _kind(blob: str) -> str:
    plain = _COMPRESSED.sub("", blob.lower())
    for suffix, kind in KINDS.items():
        if plain.endswith(suffix):
            return kind
    known = ", ".join(KINDS)
    message = f"the name of '{blob}' ends with none of {known}, nor with .gz or .zst after them"
    raise InvalidRequestError([FieldProblem("source.kind", message)])
