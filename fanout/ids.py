"""Every id and blob path of a run, made in one place: a name says whose outcomes it holds."""

import re

RUN_ID_PATTERN = r"^[A-Za-z0-9._-]{1,100}$"
_RUN_ID = re.compile(RUN_ID_PATTERN)


def is_run_id(text: str) -> bool:
    """Tell whether `text` may name a run: ``[A-Za-z0-9._-]{1,100}``, but not dots alone."""
    return _RUN_ID.match(text) is not None and text.strip(".") != ""


def attempt_instance(run_id: str, attempt: int) -> str:
    """The orchestration instance of a run's attempt: the run id itself, then ``{run_id}:a2``...

    No run id has a colon, so no other run's instance can have this name.
    """
    return run_id if attempt == 1 else f"{run_id}:a{attempt}"


def shard_instance(run_instance: str, shard: int, letter: str = "s") -> str:
    """The instance id of one shard sub-orchestration (0-based); those that compensate have a c."""
    return f"{run_instance}:{letter}{shard:02d}"


def request_path(run_id: str) -> str:
    """The claim of a run id: the request as accepted."""
    return f"{run_id}/request.json"


def attempts_folder(run_id: str) -> str:
    """What the names of the claims of all later attempts begin with."""
    return f"{run_id}/attempts/"


def attempt_path(run_id: str, attempt: int) -> str:
    """The claim of an attempt after the first: what it is asked to do."""
    return f"{run_id}/attempts/{attempt:05d}.json"


def plan_path(run_id: str, attempt: int = 1) -> str:
    """The plan: counts and source facts; that of a later attempt is ``plan/a2-manifest.json``."""
    return f"{run_id}/plan/{_of_attempt(attempt)}manifest.json"


def plan_folder(run_id: str) -> str:
    """What the names of all that the plan writes begin with."""
    return f"{run_id}/plan/"


def partition_path(run_id: str, partition: int, attempt: int = 1) -> str:
    """The batch cuts of one partition (0-based)."""
    return f"{run_id}/plan/{_of_attempt(attempt)}p{partition:05d}.json"


def _of_attempt(attempt: int) -> str:
    return "" if attempt == 1 else f"a{attempt}-"


def part_path(run_id: str, attempt: int, partition: int, batch: int, retry_round: int) -> str:
    """The outcomes of one batch in one retry round: ``parts/a1-p00012-r0-b0003.jsonl``."""
    return f"{run_id}/parts/a{attempt}-p{partition:05d}-r{retry_round}-b{batch:04d}.jsonl"


def partial_path(run_id: str, attempt: int, partition: int, batch: int, retry_round: int) -> str:
    """The partial summary that a chunk workload made of one batch, beside its part file."""
    return f"{run_id}/parts/a{attempt}-p{partition:05d}-r{retry_round}-b{batch:04d}.partial.json"


def compensation_path(run_id: str, partition: int, batch: int, retry_round: int) -> str:
    """The outcomes of one batch after its compensation: ``parts/c1-p00012-r0-b0003.jsonl``."""
    return f"{run_id}/parts/c1-p{partition:05d}-r{retry_round}-b{batch:04d}.jsonl"


def result_path(run_id: str, name: str) -> str:
    """A file of the run's results, by its name there (``report.json``)."""
    return f"{run_id}/results/{name}"


def results_manifest_path(run_id: str) -> str:
    """The list of every result file with its size, count and MD5."""
    return result_path(run_id, "manifest.json")


def summary_path(run_id: str) -> str:
    """What became of the run."""
    return f"{run_id}/summary.json"
