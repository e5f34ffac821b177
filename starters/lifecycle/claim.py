"""Claiming a run: its id belongs to the request from then on, and the watchdog looks after it.

A claim starts nothing. Who claims a run starts it next. If a crash comes in between, the run is
started by the same request when it is sent again, or by the watchdog.
"""

import hashlib
import secrets
from datetime import UTC, datetime

from fanout.adapters.rows.index import IndexEntry
from fanout.adapters.rows.open_runs import confirm_claim, note_claim, withdraw_claim
from fanout.adapters.rows.rows import Rows
from fanout.adapters.run_files.files import Claim, RunFiles
from fanout.errors import FieldProblem, InvalidRequestError, RunConflictError
from fanout.models.request import RunRequest
from starters.lifecycle.check import check_request

KEY_HEADER = "Idempotency-Key"
MAX_KEY_CHARACTERS = 1024
KEY_PATTERN = r"^[ -+\--~]*[!-+\--~][ -+\--~]*$"  # printable ASCII without a comma, not blank
NOBODY_ASKS = "a dry run is answered to who asks for it by HTTP; here nobody waits for an answer"


def add_run_id(request: RunRequest, idempotency_key: str | None) -> RunRequest:
    """A request with the id of its run: its own, or one made from the key, or a new one.

    Raises:
        InvalidRequestError: The key is none.
    """
    if idempotency_key is not None:
        _check_key(idempotency_key)
    run_id = request.run_id or _key_id(idempotency_key) or _new_id(request.workload)
    return request.model_copy(update={"run_id": run_id})


def _key_id(idempotency_key: str | None) -> str | None:
    if idempotency_key is None:
        return None
    return "key-" + hashlib.sha256(idempotency_key.encode()).hexdigest()[:40]


def _check_key(key: str) -> None:
    """Refuse a key that not every server and proxy would pass on as it is.

    RFC 9110 (5.5) leaves bytes beyond ASCII undefined, and (5.3) joins repeated headers by commas.
    """
    fault = None
    if not key.strip():
        fault = "it is empty; leave the header out, or give a key"
    elif len(key) > MAX_KEY_CHARACTERS:
        fault = f"it has {len(key)} characters; {MAX_KEY_CHARACTERS} are the most"
    elif not (key.isascii() and key.isprintable()):
        odd, *_ = (letter for letter in key if not (letter.isascii() and letter.isprintable()))
        fault = f"it has U+{ord(odd):04X}; a key is made of printable ASCII"
    elif "," in key:
        fault = "it has a comma, or came more than once: a key has none, and comes once"
    if fault is not None:
        raise InvalidRequestError([FieldProblem(KEY_HEADER, fault)])


def _new_id(workload: str) -> str:
    now = datetime.now(UTC)
    return f"{workload}-{now:%Y%m%dT%H%M%S}-{secrets.token_hex(4)}"


def claim_run(
    request: RunRequest, files: RunFiles, rows: Rows, *, is_queued: bool = False
) -> Claim | None:
    """Check a request and claim the id of its run, unless the same request has claimed it before.

    Nobody looks first whether the id is free: most are. A request that fails its check may have
    passed it before: its source may be gone once the run is over.

    Args:
        request: It has the id of its run.
        files: Where runs are kept.
        rows: Their rows; they list the run from then on, as open until it has ended.
        is_queued: Whether the run waits for earlier ones of its schedule.

    Returns:
        The claim; None where the same request claimed the id before.

    Raises:
        InvalidRequestError: The request cannot succeed; every problem is named.
        RunConflictError: The id belongs to another request.
    """
    if request.dry_run:
        raise InvalidRequestError([FieldProblem("dry_run", NOBODY_ASKS)])
    run_id = str(request.run_id)
    try:
        check_request(request, files)
    except InvalidRequestError:
        earlier = files.find_request(run_id)
        if earlier is None:
            raise
        _insist_on_same(request, is_same=earlier == request)
        return None
    note = note_claim(rows, run_id, request.workload, is_queued=is_queued)
    claim = files.claim(run_id, request, note.entry.claimed_at)
    if claim is None:
        if note.is_new:
            _withdraw(note.entry, files, rows)
        _insist_on_same(request, is_same=files.has_request(run_id, request))
        return None
    if not note.is_new:
        confirm_claim(rows, note.entry, is_queued=is_queued)
    return claim


def _withdraw(entry: IndexEntry, files: RunFiles, rows: Rows) -> None:
    """Take back what was noted of a run that exists, unless it has been claimed upon that."""

    def is_claimed() -> bool:
        claim = files.find_claim(entry.run_id)
        return claim is None or claim.claimed_at == entry.claimed_at

    withdraw_claim(rows, entry, is_claimed)


def _insist_on_same(request: RunRequest, *, is_same: bool) -> None:
    """Refuse another request than the one that claimed the id.

    Raises:
        RunConflictError: It is another.
    """
    if not is_same:
        message = f"The run '{request.run_id}' exists and was started by another request."
        raise RunConflictError(str(request.run_id), message)
