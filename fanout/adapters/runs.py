"""The files of a run in Blob storage, typed; those that never change are kept per process."""

from dataclasses import dataclass, field
from functools import lru_cache

from pydantic import BaseModel

from fanout import ids
from fanout.adapters.blob import BlobExistsError, BlobStore, blob_store
from fanout.adapters.settings import settings
from fanout.adapters.sources_plan import Scratch
from fanout.models.plan import PartitionPlan, PlanManifest
from fanout.models.request import RunRequest
from fanout.splitting.codecs import Expansion

JSON = "application/json"
JSON_LINES = "application/jsonl"
_KEPT_RUNS = 64
_KEPT_PARTITIONS = 256


@dataclass(frozen=True)
class RunFiles:
    """What a run keeps in the runs container."""

    store: BlobStore
    container: str
    allowed: Expansion = field(default_factory=Expansion)

    def scratch(self, run_id: str) -> Scratch:
        """Where the plan of a run may leave copies of its source."""
        return Scratch(self.store, self.container, ids.plan_folder(run_id), self.allowed)

    def claim(self, run_id: str, request: RunRequest) -> bool:
        """Write the request if the run id is free; tell whether it was."""
        data = request.model_dump_json().encode()
        try:
            self.store.write(
                self.container,
                ids.request_path(run_id),
                data,
                media_type=JSON,
                if_none_match=True,
            )
        except BlobExistsError:
            return False
        return True

    def find_request(self, run_id: str) -> RunRequest | None:
        """Read the request of a run; None where there is no such run."""
        if self.store.properties(self.container, ids.request_path(run_id)) is None:
            return None
        return self.request(run_id)

    def request(self, run_id: str) -> RunRequest:
        """Read the request of a run that exists."""
        return RunRequest.model_validate_json(self.read(ids.request_path(run_id)))

    def manifest(self, run_id: str) -> PlanManifest:
        """Read the plan's manifest."""
        return PlanManifest.model_validate_json(self.read(ids.plan_path(run_id)))

    def partition(self, run_id: str, partition: int) -> PartitionPlan:
        """Read the cuts of one partition."""
        path = ids.partition_path(run_id, partition)
        return PartitionPlan.model_validate_json(self.read(path))

    def read(self, path: str) -> bytes:
        """Read a file whole."""
        return self.store.read(self.container, path)

    def write(self, path: str, data: bytes, media_type: str = JSON) -> None:
        """Write a file whole, over whatever was there."""
        self.store.write(self.container, path, data, media_type=media_type)

    def write_model(self, path: str, model: BaseModel) -> None:
        """Write a message as JSON."""
        self.write(path, model.model_dump_json().encode())


@lru_cache(maxsize=1)
def run_files() -> RunFiles:
    """The run files of this process, as its settings say."""
    to = settings()
    allowed = Expansion(to.max_uncompressed_bytes, to.max_compression_ratio)
    return RunFiles(blob_store(), to.runs_container, allowed)


@lru_cache(maxsize=_KEPT_RUNS)
def kept_request(files: RunFiles, run_id: str) -> RunRequest:
    """The request of a run, read once in this process."""
    return files.request(run_id)


@lru_cache(maxsize=_KEPT_RUNS)
def kept_manifest(files: RunFiles, run_id: str) -> PlanManifest:
    """The plan's manifest, read once in this process."""
    return files.manifest(run_id)


@lru_cache(maxsize=_KEPT_PARTITIONS)
def kept_partition(files: RunFiles, run_id: str, partition: int) -> PartitionPlan:
    """The cuts of a partition, read once in this process."""
    return files.partition(run_id, partition)
