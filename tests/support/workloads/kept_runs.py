"""Runs as starters find them: claimed in a store, with rows that say how far they are."""

from fanout.adapters.rows.attempts import change_attempt
from fanout.adapters.rows.index import IndexEntry
from fanout.adapters.rows.open_runs import note_attempt, note_claim
from fanout.adapters.rows.rows import Rows
from fanout.adapters.run_files.files import RunFiles
from fanout.governor import run_rules
from fanout.governor.run_state import GovernorState
from fanout.messages.run import RunEnd
from fanout.models.request import RunRequest
from tests.support.doubles.memory_store import MemoryStore
from tests.support.workloads.attempts import at, begun

REQUEST = {"workload": "w", "run_id": "r", "source": {"kind": "inline", "items": []}}


def claimed_files() -> RunFiles:
    """The files of a run `r` that somebody has claimed, and of no other."""
    files = RunFiles(MemoryStore(), "runs")  # type: ignore[arg-type]  # the double of it
    assert files.claim("r", RunRequest.model_validate(REQUEST))
    return files


def write(rows: Rows, state: GovernorState, attempt: int = 1) -> GovernorState:
    """Let the rows of an attempt of `r` say this."""
    change_attempt(rows, "r", attempt, lambda _: (state, None))
    return state


def over(state: GovernorState) -> GovernorState:
    """What rows say when the run has succeeded."""
    end = RunEnd(outcome="succeeded", at=at(1))
    return state.model_copy(update={"run": run_rules.finish(state.run, end)})


def claim(files: RunFiles, rows: Rows, run_id: str, workload: str = "w") -> None:
    """Claim a run, and take note of it before, as starters do."""
    entry = note_claim(rows, run_id, workload).entry
    request = RunRequest.model_validate(REQUEST | {"run_id": run_id, "workload": workload})
    assert files.claim(run_id, request, entry.claimed_at)


def note_open(rows: Rows, run_id: str, attempt: int, *, is_queued: bool = False) -> None:
    """Take note that an attempt is about to be claimed, as whoever claims it does."""
    if attempt == 1:
        note_claim(rows, run_id, "w", is_queued=is_queued)
        return
    first = note_claim(rows, run_id, "w").entry
    note_attempt(rows, IndexEntry(run_id, first.claimed_at, "w", attempt))


def let_go_on(rows: Rows, run_id: str, attempt: int = 1) -> None:
    """Have an attempt of a run go on."""
    note_open(rows, run_id, attempt)
    change_attempt(rows, run_id, attempt, lambda _: (begun(items=10), None))


def let_end(rows: Rows, run_id: str, attempt: int = 1, *, is_announced: bool = True) -> None:
    """Have an attempt of a run be over, and announced or not yet."""
    state = over(begun(items=10))
    run = state.run.model_copy(update={"is_announced": is_announced})
    change_attempt(rows, run_id, attempt, lambda _: (state.model_copy(update={"run": run}), None))
