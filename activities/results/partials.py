"""The partials of a chunk workload on their way into one, neighbours before strangers."""

from collections.abc import Iterable
from typing import Any

from fanout.adapters.run_files.files import RunFiles
from fanout.adapters.telemetry.logs import logger
from fanout.errors import FieldProblem
from fanout.messages.run import RunRef
from fanout.models.request import RunRequest
from fanout.naming.blob_paths import merge_fault_path, merge_faults, merged_path
from fanout.printable import describe_failure
from fanout.workload import ChunkWorkload, RenderedFile
from workloads import registry

log = logger("workload")


class Merger:
    """Merges partials in the order in which they come; idle for workloads of another shape.

    Attributes:
        fault: Why they cannot be merged, if so.
    """

    def __init__(self, request: RunRequest) -> None:
        workload = registry.get(request.workload)
        self._workload = workload if isinstance(workload, ChunkWorkload) else None
        self._parameters = workload.parameters_model.model_validate(request.parameters)
        self._merged: Any = None
        self.fault: str | None = None

    def add(self, data: bytes | None) -> None:
        """Merge a partial into those before it; None is one that was never made.

        What the workload raises is kept in `fault`; nothing is merged from then on.
        """
        if self._workload is None or data is None or self.fault is not None:
            return
        try:
            partial = self._workload.load_partial(data)
            merged = self._merged
            self._merged = partial if merged is None else self._workload.merge(merged, partial)
        except BaseException as error:  # noqa: BLE001  whatever user code raises
            self.fault = describe_failure(error)

    def write(self, files: RunFiles, ref: RunRef, level: int, number: int) -> None:
        """Write all of them in one as a partial of the merge tree, or why there is none."""
        if self._workload is None or (self._merged is None and self.fault is None):
            return
        place = (ref.run_id, ref.attempt, level, number)
        try:
            data = None if self.fault else self._workload.dump_partial(self._merged)
        except BaseException as error:  # noqa: BLE001  as above
            self.fault = describe_failure(error)
        if self.fault is None and data is not None:
            files.write(merged_path(*place), data)
            return
        log.warning("partials cannot be merged: %s", self.fault)
        files.write(merge_fault_path(*place), str(self.fault).encode(), "text/plain")

    def find_faults(self) -> list[FieldProblem]:
        """Have the workload name what all of them show to be wrong with the request."""
        if self._workload is None or self._merged is None:
            return []
        return self._workload.find_faults(self._merged, self._parameters)

    def render(self) -> Iterable[RenderedFile]:
        """Have the workload make its files of all of them."""
        if self._workload is None:
            return []
        return self._workload.render(self._merged, self._parameters)


def read_partial(files: RunFiles, path: str) -> bytes | None:
    """Read a partial of the merge tree; None where no batch below it left one."""
    if files.store.properties(files.container, path) is None:
        return None
    return files.read(path)


def read_merge_fault(files: RunFiles, ref: RunRef) -> str | None:
    """Why some partials of the merge tree could not be merged; None if all could."""
    for path in files.names(merge_faults(ref.run_id, ref.attempt)):
        return files.read(path).decode()
    return None
