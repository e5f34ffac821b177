"""The first plan of a run, made again where it was lost: cuts and parts are of it.

A part says of which plan it is. So a plan that would be another, because the source has changed
since, is not taken for the one that was lost.
"""

from collections.abc import Callable, Iterable

from azure.core.exceptions import ResourceNotFoundError

from activities.planning.work import identify_plan, write_plan
from fanout.adapters.run_files.files import RunFiles, forget_kept
from fanout.adapters.run_files.intact import PLAN
from fanout.errors import FieldProblem, InvalidRequestError, UnreadableDocumentError
from fanout.models.plan import PartitionPlan, PlanManifest
from fanout.naming import blob_paths


def is_first_plan_lost(files: RunFiles, run_id: str) -> bool:
    """Tell whether a file of the first plan is gone or damaged."""
    try:
        manifest = files.manifest(run_id)
        for number in range(manifest.partitions if manifest.only is None else 0):
            files.partition(run_id, number)
    except (UnreadableDocumentError, ResourceNotFoundError):
        return True
    return False


def restore_first_plan(
    files: RunFiles,
    run_id: str,
    manifest: PlanManifest,
    make_partitions: Callable[[], Iterable[PartitionPlan]],
) -> None:
    """Write a plan in place of the one that was lost.

    Args:
        files: Where the run is kept.
        run_id: The run.
        manifest: The plan as it would be made now.
        make_partitions: Gives its cuts, each time that it is called: they may be many.

    Raises:
        InvalidRequestError: Parts that there are may be of another plan.
    """
    wanted = _plans_of_parts(files, run_id)
    if wanted - {identify_plan(manifest, make_partitions())}:
        path = blob_paths.plan_path(run_id)
        message = f"the plan '{path}' is lost, and what is made of the source now is another"
        raise InvalidRequestError([FieldProblem("source", message)])
    forget_kept()
    write_plan(files, run_id, blob_paths.FIRST, manifest, make_partitions())


def _plans_of_parts(files: RunFiles, run_id: str) -> set[str | None]:
    """Of which plan the first of the parts is that the first attempt has written, if there is one.

    All that it has written are of one plan.
    """
    prefix = f"{blob_paths.parts_folder(run_id)}{blob_paths.FIRST}-"
    for path in files.names(prefix):
        found = files.store.properties(files.container, path)
        if found is not None and not blob_paths.is_partial_path(path):
            return {found.metadata.get(PLAN)}
    return set()
