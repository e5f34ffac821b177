"""The result files that a map workload makes of a whole run."""

from collections.abc import Iterable, Iterator

from activities.batches.item_files import RunItemFiles
from fanout.adapters.run_files.files import RunFiles, kept_manifest
from fanout.adapters.run_files.part_reader import read_batches
from fanout.messages.run import RunRef
from fanout.models.outcome import Outcome
from fanout.models.request import RunRequest
from fanout.workload import MapWorkload, RenderedFile
from workloads import registry


def make_report(ref: RunRef, request: RunRequest, files: RunFiles) -> Iterable[RenderedFile]:
    """Have a map workload make its report; the outcomes pass by in bounded memory."""
    workload = registry.get(request.workload)
    if not isinstance(workload, MapWorkload) or not workload.has_report:
        return ()
    parameters = workload.parameters_model.model_validate(request.parameters)
    item_files = RunItemFiles.for_run(request, ref.run_id, files)
    return workload.report(_read_outcomes(ref, files), parameters, item_files)


def _read_outcomes(ref: RunRef, files: RunFiles) -> Iterator[Outcome]:
    for batch in read_batches(files, ref, kept_manifest(files, ref.run_id)):
        for line in batch.lines.splitlines():
            yield Outcome.model_validate_json(line)
