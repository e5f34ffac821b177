"""The partials of a chunk workload on their way into one, neighbours before strangers."""

from collections.abc import Iterable
from typing import Any

from fanout.adapters.run_files.files import RunFiles
from fanout.errors import FieldProblem
from fanout.models.request import RunRequest
from fanout.workload import ChunkWorkload, RenderedFile
from workloads import registry


class Merger:
    """Merges partials in the order in which they come; idle for workloads of another shape."""

    def __init__(self, request: RunRequest) -> None:
        workload = registry.get(request.workload)
        self._workload = workload if isinstance(workload, ChunkWorkload) else None
        self._parameters = workload.parameters_model.model_validate(request.parameters)
        self._merged: Any = None

    def add(self, data: bytes | None) -> None:
        """Merge a partial into those before it; None is one that was never made."""
        if self._workload is None or data is None:
            return
        partial = self._workload.load_partial(data)
        merged = self._merged
        self._merged = partial if merged is None else self._workload.merge(merged, partial)

    @property
    def merged(self) -> bytes | None:
        """All of them in one; None if there were none."""
        if self._workload is None or self._merged is None:
            return None
        return self._workload.dump_partial(self._merged)

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
