"""The blob starter: a blob that is written to `inbox` under ``{workload}/`` starts a run over it.

A file ``{workload}/request.json`` is the template for all blobs of its folder: a RunRequest without
workload, run id and source. A blob that is written again starts another run; an event that comes
twice starts one run.
"""

import asyncio
import hashlib
import re
from typing import Any

import azure.functions as func

from fanout.adapters.contents import read_content
from fanout.adapters.rows.rows import Rows, rows
from fanout.adapters.run_files.files import RunFiles, run_files
from fanout.adapters.settings import INBOX, STORAGE, Settings, settings
from fanout.adapters.telemetry.logs import bind_invocation, logger
from fanout.durable.app import Blueprint, client_input
from fanout.errors import FieldProblem, InvalidRequestError
from fanout.models.request import RunRequest
from fanout.naming import functions
from fanout.splitting.decoding.codecs import CompressionError
from starters.failures import insist_on
from starters.lifecycle.parse import parse_document
from starters.lifecycle.start import RunStart, start_run
from starters.lifecycle.validation import validate

TEMPLATE = "request.json"
KINDS = {
    ".csv": "csv",
    ".jsonl": "jsonl",
    ".ndjson": "jsonl",
    ".json": "json",
    ".parquet": "parquet",
}
_COMPRESSED = re.compile(r"\.(gz|zst)$")
_STEM_CHARACTERS = 40
log = logger("blob")


def blueprint(app: Settings) -> Blueprint:
    """Make the function that a blob triggers, if the settings ask for it."""
    bp = Blueprint()
    if not app.has_inbox:
        return bp
    handler: Any = client_input(bp)(start_run_over_blob)
    handler = bp.blob_trigger(
        arg_name="blob",
        path=f"{INBOX}/{{workload}}/{{name}}",
        connection=STORAGE,
        source=func.BlobSource.EVENT_GRID,
    )(handler)
    bp.function_name(functions.START_RUN_OVER_BLOB)(handler)
    return bp


async def start_run_over_blob(blob: func.InputStream, client: Any, context: func.Context) -> None:
    """Start a run over a blob; shell around `start_run_of_blob`."""
    with bind_invocation(context):
        name = str(blob.name).removeprefix(f"{INBOX}/")
        await insist_on(start_run_of_blob(name, client, run_files(), rows()))


async def start_run_of_blob(blob: str, client: Any, files: RunFiles, rows: Rows) -> RunStart | None:
    """Start a run over a blob of the inbox; None where the blob is gone, or is the template.

    Raises:
        InvalidRequestError: The run cannot succeed; the host then keeps the event as poison.
    """
    if blob.partition("/")[2] == TEMPLATE:
        return None
    properties = await asyncio.to_thread(files.store.properties, INBOX, blob)
    if properties is None:
        log.warning("'%s' is gone before it could be run over", blob)
        return None
    template = await asyncio.to_thread(_read_template, blob, files)
    request = request_for(blob, properties.etag, template)
    run = await start_run(request, client, files, rows)
    action = "started" if run.is_new else "found again"
    log.info("%s over the blob '%s'", action, blob, extra={"run_id": run.run_id})
    return run


def _read_template(blob: str, files: RunFiles) -> dict[str, Any]:
    path = f"{blob.partition('/')[0]}/{TEMPLATE}"
    found = files.store.open(INBOX, path)
    if found is None:
        return {}
    max_bytes = settings().max_request_bytes
    try:
        data = read_content(found, max_bytes)
    except CompressionError as error:
        raise InvalidRequestError([FieldProblem(TEMPLATE, str(error))]) from error
    return parse_document(data, max_bytes)


def request_for(blob: str, etag: str, template: dict[str, Any]) -> RunRequest:
    """Make the request for the run over a blob.

    Args:
        blob: Its name in the inbox: ``{workload}/{name}``.
        etag: Which version of it.
        template: What the folder's `request.json` says.

    Raises:
        InvalidRequestError: The name says no format, or the template has fields it may not have.
    """
    barred = {"workload", "run_id", "source"} & template.keys()
    if barred:
        message = "follows from the blob; leave it out"
        raise InvalidRequestError([FieldProblem(f"{TEMPLATE}: {name}", message) for name in barred])
    source = {"kind": _kind(blob), "container": INBOX, "blob": blob}
    workload = blob.partition("/")[0]
    body = {**template, "workload": workload, "run_id": run_id(blob, etag), "source": source}
    return validate(RunRequest, body)


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
    suffixes = ", ".join(KINDS)
    message = f"the name of '{blob}' ends with none of {suffixes}, nor with .gz or .zst after them"
    raise InvalidRequestError([FieldProblem("source.kind", message)])
