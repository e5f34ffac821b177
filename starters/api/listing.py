"""Lists over HTTP: the runs, newest first, and the items of a run."""

import asyncio
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import get_args

import azure.durable_functions as df
import azure.functions as func

from fanout.adapters.rows.rows import rows
from fanout.adapters.run_files.files import RunFiles, run_files
from fanout.adapters.run_files.outcome_pages import MAX_PAGE, InvalidContinuationError, outcome_page
from fanout.errors import FieldProblem, InvalidRequestError
from fanout.messages.run import RunRef
from fanout.models.outcome import ItemStatus
from fanout.models.status import RunOutcome
from fanout.naming import blob_paths
from starters.api import endpoints
from starters.api.endpoints import ITEMS_A_PAGE, MAX_RUNS_A_PAGE, RUNS_A_PAGE
from starters.api.shell import answer, origin_of, page_size, run_id_of, serve
from starters.lifecycle.attempts import newest_attempt
from starters.lifecycle.status import find_status

bp = df.Blueprint()


@dataclass(frozen=True)
class RunFilter:
    """Which runs are listed; None, or no text, lists all.

    Attributes:
        workload: Runs of this workload.
        outcome: Runs that ended with this outcome.
        since: Runs that were claimed at that time or later, aware.
        text: Runs whose id contains it, in capitals or not.
    """

    workload: str | None = None
    outcome: str | None = None
    since: datetime | None = None
    text: str = ""

    def matches(self, entry: blob_paths.IndexEntry) -> bool:
        """Tell whether a run may be listed, as far as its entry in the index says."""
        has_workload = self.workload is None or entry.workload == self.workload
        return has_workload and self.text.lower() in entry.run_id.lower()


@serve(bp, endpoints.LIST_RUNS)
async def list_runs(req: func.HttpRequest, context: func.Context) -> func.HttpResponse:
    """List runs, newest first; a page may be short, and the last has no continuation."""
    wanted, limit = _parse_filter(req), page_size(req, RUNS_A_PAGE, MAX_RUNS_A_PAGE)
    after = req.params.get("continuation") or blob_paths.INDEX_FOLDER
    files = run_files()
    entries, continuation = await asyncio.to_thread(_read_page, files, wanted, after, limit)
    origin = origin_of(req)
    statuses = await asyncio.gather(
        *(find_status(entry.run_id, files, rows(), origin) for entry in entries)
    )
    runs = [
        status.model_dump(mode="json")
        for status in statuses
        if status is not None and wanted.outcome in (None, status.outcome)
    ]
    return answer({"runs": runs, "continuation": continuation})


def _parse_filter(req: func.HttpRequest) -> RunFilter:
    outcome, since = req.params.get("outcome"), req.params.get("since")
    problems = []
    if outcome is not None and outcome not in get_args(RunOutcome):
        choices = ", ".join(get_args(RunOutcome))
        problems.append(FieldProblem("outcome", f"'{outcome}' is none of {choices}"))
    moment = None
    if since is not None:
        try:
            moment = datetime.fromisoformat(since)
        except ValueError:
            problems.append(FieldProblem("since", f"'{since}' is no ISO 8601 time"))
    if problems:
        raise InvalidRequestError(problems)
    if moment is not None and moment.tzinfo is None:
        moment = moment.replace(tzinfo=UTC)
    text = req.params.get("text") or ""
    return RunFilter(req.params.get("workload"), outcome, moment, text)


def _read_page(
    files: RunFiles, wanted: RunFilter, after: str, limit: int
) -> tuple[list[blob_paths.IndexEntry], str | None]:
    """Read a page of the index; also gives the path after which the next page begins, if any."""
    entries: list[blob_paths.IndexEntry] = []
    for path in files.names(blob_paths.INDEX_FOLDER):
        if path <= after:
            continue
        entry = blob_paths.parse_index_path(path)
        if wanted.since is not None and entry.claimed_at < wanted.since:
            break
        if wanted.matches(entry):
            entries.append(entry)
        if len(entries) == limit:
            return entries, path
    return entries, None


@serve(bp, endpoints.LIST_ITEMS)
async def list_items(req: func.HttpRequest, context: func.Context) -> func.HttpResponse:
    """List what happened to the items of a run, in source order, also while it goes on."""
    files = run_files()
    attempt = await newest_attempt(run_id_of(req), None, files, rows())
    status = req.params.get("status")
    if status is not None and status not in get_args(ItemStatus):
        message = f"'{status}' is none of {', '.join(get_args(ItemStatus))}"
        raise InvalidRequestError([FieldProblem("status", message)])
    limit = page_size(req, ITEMS_A_PAGE, MAX_PAGE)
    if attempt.state.phase in ("queued", "planning") or not attempt.state.items.total:
        return answer({"items": [], "continuation": None})
    ref = RunRef(run_id=attempt.run_id, attempt=attempt.number)
    after = req.params.get("continuation")
    try:
        page = await asyncio.to_thread(outcome_page, files, ref, status, limit, after)
    except InvalidContinuationError as error:
        raise InvalidRequestError([FieldProblem("continuation", str(error))]) from error
    return answer({"items": page.items, "continuation": page.continuation})
