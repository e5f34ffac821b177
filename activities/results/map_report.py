"""The result files that a map workload makes of a whole run."""

from collections.abc import Callable, Iterable, Iterator

from activities.batches.item_files import RunItemFiles
from fanout.adapters.run_files.files import RunFiles
from fanout.adapters.run_files.part_reader import BatchOutcomes
from fanout.models.outcome import Outcome
from fanout.models.request import RunRequest
from fanout.workload import MapWorkload, RenderedFile
from workloads import registry

# Gives the outcomes of all batches of a run, in source order, each time anew.
BatchReader = Callable[[], Iterable[BatchOutcomes]]


def make_report(
    run_id: str, request: RunRequest, files: RunFiles, read: BatchReader
) -> Iterable[RenderedFile]:
    """Have a map workload make its report; the outcomes pass by in bounded memory."""
    workload = registry.get(request.workload)
    if not isinstance(workload, MapWorkload) or not workload.has_report:
        return ()
    parameters = workload.parameters_model.model_validate(request.parameters)
    item_files = RunItemFiles.for_run(request, run_id, files)
    return workload.report(_outcomes(read()), parameters, item_files)


def _outcomes(batches: Iterable[BatchOutcomes]) -> Iterator[Outcome]:
    for batch in batches:
        for line in batch.lines.splitlines():
            yield Outcome.model_validate_json(line)
