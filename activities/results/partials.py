"""The partials of a chunk workload on their way into one, neighbours before strangers."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from fanout.adapters.run_files.files import RunFiles
from fanout.adapters.run_files.intact import (
    IntactFile,
    has_digests,
    read_intact,
    read_listed,
    write_intact,
)
from fanout.adapters.telemetry.logs import logger
from fanout.errors import FieldProblem
from fanout.messages.run import RunRef
from fanout.models.request import RunRequest
from fanout.naming.blob_paths import merge_faults, merged_path
from fanout.printable import describe_failure
from fanout.workload import ChunkWorkload, RenderedFile
from workloads import registry

log = logger("workload")
# What a node of the merge tree holds, if no partial.
KIND, NOTHING, FAULT = "kind", "nothing", "fault"


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

    @property
    def merges(self) -> bool:
        """Whether there is something to merge: the workload takes batches whole."""
        return self._workload is not None

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

    def take(self, merged: "MergedPartial") -> None:
        """Merge what a node of the tree came to into those before it."""
        self.fault = self.fault or merged.fault
        self.add(merged.data)

    def write(self, files: RunFiles, ref: RunRef, level: int, number: int) -> None:
        """Write all of them in one as a node of the merge tree, or why there is none.

        One without partials is written as well: none that is missed is taken for one of these.
        """
        if self._workload is None:
            return
        path = merged_path(ref.run_id, ref.attempt, level, number)
        try:
            data = b"" if self._is_empty else self._workload.dump_partial(self._merged)
        except BaseException as error:  # noqa: BLE001  as above
            self.fault = describe_failure(error)
        if self.fault is not None:
            log.warning("partials cannot be merged: %s", self.fault)
            write_intact(files, path, self.fault.encode(), {KIND: FAULT})
            return
        write_intact(files, path, data, {KIND: NOTHING} if self._is_empty else None)

    @property
    def _is_empty(self) -> bool:
        return self._merged is None or self.fault is not None

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


@dataclass(frozen=True)
class MergedPartial:
    """What a node of the merge tree came to.

    Attributes:
        data: The partial; None where no batch below it left one.
        fault: Why those below it could not be merged, if so.
    """

    data: bytes | None = None
    fault: str | None = None


def read_merged(files: RunFiles, ref: RunRef, level: int, number: int) -> MergedPartial:
    """Read a node of the merge tree.

    Raises:
        DamagedFileError: It is gone, or not as it was written.
    """
    path = merged_path(ref.run_id, ref.attempt, level, number)
    if has_digests(files, path):
        return _partial_of(read_listed(files, path))
    # Of a plan by an earlier version, which has written no node where there was no partial.
    fault = _read_fault(files, ref)
    if fault is not None or files.store.properties(files.container, path) is None:
        return MergedPartial(fault=fault)
    return _partial_of(read_intact(files, path))


def _partial_of(node: IntactFile) -> MergedPartial:
    kind = node.metadata.get(KIND)
    if kind == FAULT:
        return MergedPartial(fault=node.data.decode())
    return MergedPartial(None if kind == NOTHING else node.data)


def _read_fault(files: RunFiles, ref: RunRef) -> str | None:
    """Why partials could not be merged, as earlier versions of the app have written it."""
    for path in files.names(merge_faults(ref.run_id, ref.attempt)):
        return files.read(path).decode()
    return None
