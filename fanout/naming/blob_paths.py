"""The blob paths of a run, each with its inverse: a name says whose outcomes it holds."""

import re
from dataclasses import dataclass

from fanout.naming.result_names import parse_result_kind
from fanout.naming.row_keys import Stage

# No run id has a tilde, so these are no run's.
# Earlier versions of the app kept the index of all runs in the names of blobs.
EARLIER_INDEX_FOLDER = "~index/"
# What a diagnosis writes, reads and deletes again.
DIAGNOSIS_FOLDER = "~diagnosis/"
PARTIAL_SUFFIX = ".partial.json"
# Below the results: what a workload writes for single items; too many for the manifest.
ITEM_FILES = "files/"
MANIFEST = "manifest.json"
# A blob's name has 1,024 at most, the path of the results included.
MAX_RENDERED_CHARACTERS = 500
_ATTEMPT = re.compile(r"/attempts/(\d+)\.json$")
_PART = re.compile(r"/parts/[ac]\d+-p(\d+)-r(\d+)-b(\d+)(?:n(\d+))?\.jsonl$")
_PART_ATTEMPT = re.compile(r"/parts/[ac](\d+)-p")
_SPAN = re.compile(r"(n\d+)?\.jsonl$")
_SAGA_BATCH = re.compile(r"/sagas/batches/a(\d+)-p(\d+)-r(\d+)-b(\d+)\.json$")


def request_path(run_id: str) -> str:
    """The claim of a run id: the request as accepted."""
    return f"{run_id}/request.json"


def parse_earlier_index_path(path: str) -> str:
    """The run of ``~index/{milliseconds}/{workload}/{run_id}``; the newest sorts first."""
    return path.rpartition("/")[2]


def attempts_folder(run_id: str) -> str:
    """What the names of the claims of all later attempts begin with."""
    return f"{run_id}/attempts/"


def attempt_path(run_id: str, attempt: int) -> str:
    """The claim of an attempt after the first: what it is asked to do."""
    return f"{run_id}/attempts/{attempt:05d}.json"


def parse_attempt_path(path: str) -> int | None:
    """The inverse of `attempt_path`: the attempt; None if it is no claim of one."""
    match = _ATTEMPT.search(path)
    return int(match[1]) if match else None


def generation(attempt: int, stage: Stage = "process") -> str:
    """One pass over the cuts of a run: ``a1`` processes in attempt 1, ``c1`` compensates."""
    return f"{'a' if stage == 'process' else 'c'}{attempt}"


def process_generation(generation: str) -> str:
    """The pass of the same attempt that processes: ``a2`` for ``c2``."""
    return "a" + generation[1:]


FIRST = generation(1)


def plan_path(run_id: str, generation: str = FIRST) -> str:
    """The plan: counts and source facts; of a later generation it is ``plan/a2-manifest.json``."""
    return f"{run_id}/plan/{_of_generation(generation)}manifest.json"


def plan_folder(run_id: str) -> str:
    """What the names of all that the plan writes begin with."""
    return f"{run_id}/plan/"


def partition_path(run_id: str, partition: int, generation: str = FIRST) -> str:
    """The cuts of one partition (0-based)."""
    return f"{run_id}/plan/{_of_generation(generation)}p{partition:05d}.json"


def _of_generation(name: str) -> str:
    return "" if name == FIRST else f"{name}-"


@dataclass(frozen=True, order=True, slots=True)
class BatchName:
    """Whose outcomes a part file holds.

    Attributes:
        partition: 0-based, in the plan of the generation.
        first_cut: Within the partition.
        span: How many cuts it takes.
        retry_round: 0 is the first try.
    """

    partition: int
    first_cut: int
    span: int = 1
    retry_round: int = 0


def parts_folder(run_id: str) -> str:
    """What the names of all part files begin with."""
    return f"{run_id}/parts/"


def part_path(run_id: str, generation: str, name: BatchName) -> str:
    """The outcomes of one batch in one retry round: ``parts/a1-p00012-r0-b0003.jsonl``.

    A batch of more than one cut has their number, too: ``b0003n0020``.
    """
    span = "" if name.span == 1 else f"n{name.span:04d}"
    stem = f"p{name.partition:05d}-r{name.retry_round}-b{name.first_cut:04d}{span}"
    return f"{parts_folder(run_id)}{generation}-{stem}.jsonl"


def parse_part_path(path: str) -> BatchName | None:
    """The inverse of `part_path`: whose outcomes a file holds; None if it is no part file."""
    match = _PART.search(path)
    if match is None:
        return None
    partition, retry_round, first_cut, span = (int(group or 1) for group in match.groups())
    return BatchName(partition, first_cut, span, retry_round)


def part_attempt(path: str) -> int:
    """The attempt that wrote a part.

    Raises:
        ValueError: It is no part.
    """
    match = _PART_ATTEMPT.search(path)
    if match is None:
        raise ValueError(f"'{path}' is no part")
    return int(match[1])


def parse_undo_part(path: str) -> tuple[str, str, BatchName] | None:
    """The run, the pass and the batch of a part that compensation wrote; None if it is no such."""
    run_id, _, file = path.partition("/parts/")
    name = parse_part_path(path)
    is_undo = name is not None and file.startswith(generation(0, "compensate")[0])
    return (run_id, file.partition("-")[0], name) if name is not None and is_undo else None


def part_prefix(part: str) -> str:
    """What the names of a part begin with, however many cuts the batch of this one takes."""
    return _SPAN.sub("", part)


def partial_path(part: str) -> str:
    """The partial summary that a chunk workload made of a batch, beside its part file."""
    return part.removesuffix(".jsonl") + PARTIAL_SUFFIX


def is_partial_path(path: str) -> bool:
    """Tell whether `partial_path` may have made this path."""
    return path.endswith(PARTIAL_SUFFIX)


def saga_batches_folder(run_id: str) -> str:
    """What the names of the items of all batches of sagas begin with."""
    return f"{run_id}/sagas/batches/"


def saga_batch_path(run_id: str, attempt: int, name: BatchName) -> str:
    """The items of a batch whose sagas are to run, as they were when it was opened."""
    stem = f"p{name.partition:05d}-r{name.retry_round}-b{name.first_cut:04d}"
    return f"{saga_batches_folder(run_id)}{generation(attempt)}-{stem}.json"


def parse_saga_batch_path(path: str) -> tuple[int, BatchName]:
    """The inverse of `saga_batch_path`: attempt and name of a batch.

    Raises:
        ValueError: It is no such path.
    """
    match = _SAGA_BATCH.search(path)
    if match is None:
        raise ValueError(f"'{path}' is no batch of sagas")
    attempt, partition, retry_round, first_cut = map(int, match.groups())
    return attempt, BatchName(partition, first_cut, retry_round=retry_round)


def saga_record_path(run_id: str, index: int, take: int) -> str:
    """How one take of the saga of an item (0-based) ended."""
    return f"{run_id}/sagas/ends/i{index:08d}-t{take}.json"


def result_path(run_id: str, name: str) -> str:
    """A file of the run's results, by its name there (``report.json``)."""
    return f"{run_id}/results/{name}"


def item_file_name(name: str) -> str | None:
    """Where an item's file is among the results; None if its name would lead elsewhere."""
    parts = name.split("/")
    is_sound = all(part.strip(".") and part.isprintable() and "\\" not in part for part in parts)
    return ITEM_FILES + name if is_sound else None


def is_rendered_file_name(name: str) -> bool:
    """Tell whether a file that a workload renders may have this name among the results.

    The names of Fanout's own files there it may not have.
    """
    own = name == MANIFEST or name.startswith(ITEM_FILES) or parse_result_kind(name) is not None
    return not own and len(name) <= MAX_RENDERED_CHARACTERS and item_file_name(name) is not None


def is_item_file_name(name: str) -> bool:
    """Tell whether `item_file_name` may have made this name."""
    own_name = name.removeprefix(ITEM_FILES)
    return own_name != name and item_file_name(own_name) is not None


def item_files_folder(run_id: str) -> str:
    """What the paths of the files of all items begin with."""
    return result_path(run_id, ITEM_FILES)


def results_manifest_path(run_id: str) -> str:
    """The list of every result file with its size, count and MD5."""
    return result_path(run_id, MANIFEST)


def layout_path(run_id: str, attempt: int) -> str:
    """How the batches of a run are divided into ranges: ``plan/fan-in-a1.json``."""
    return f"{run_id}/plan/fan-in-a{attempt}.json"


def range_plan_path(run_id: str, attempt: int, number: int) -> str:
    """The batches of one range (0-based): ``plan/fan-in-a1-00003-batches.json``."""
    return f"{run_id}/plan/fan-in-a{attempt}-{number:05d}-batches.json"


def range_path(run_id: str, attempt: int, number: int) -> str:
    """What one range came to, its files and counts: ``plan/fan-in-a1-00003.json``."""
    return f"{run_id}/plan/fan-in-a{attempt}-{number:05d}.json"


def merged_path(run_id: str, attempt: int, level: int, number: int) -> str:
    """A partial merged from many: ``plan/fan-in-a1-m0-00003.partial.json``.

    Args:
        run_id: The run.
        attempt: The attempt of the run that is fanned in.
        level: Of the merge tree; 0 has one partial for each range.
        number: 0-based within the level, in source order.
    """
    return f"{run_id}/plan/fan-in-a{attempt}-m{level}-{number:05d}{PARTIAL_SUFFIX}"


def telemetry_claim_path(run_id: str, attempt: int) -> str:
    """The claim of whoever tells telemetry how an attempt ended."""
    return f"{run_id}/told/{generation(attempt)}"


def summary_path(run_id: str) -> str:
    """What became of the run."""
    return f"{run_id}/summary.json"


def merge_faults(run_id: str, attempt: int) -> str:
    """What the paths begin with of files that say why partials could not be merged.

    Earlier versions of the app have left such files.
    """
    return f"{run_id}/plan/fan-in-a{attempt}-fault-"
