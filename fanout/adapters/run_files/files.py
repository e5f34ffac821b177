"""The files of a run in Blob storage, typed; those that never change are kept per process."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import lru_cache, partial
from typing import Protocol, TypeVar

from pydantic import BaseModel

from fanout.adapters.blob import blob_store
from fanout.adapters.blob_reading import OpenedBlob
from fanout.adapters.digests import (
    DIGEST,
    SETTINGS_DIGEST,
    digest_of,
    insist_on_digest,
    open_document,
)
from fanout.adapters.documents import write_document
from fanout.adapters.run_files.container_files import ContainerFiles
from fanout.adapters.run_files.kept import (
    Kept,
    KeptClaims,
    weigh_manifest,
    weigh_partition,
    weigh_request,
)
from fanout.adapters.run_files.request_document import (
    HEAD_BYTES,
    read_request,
    read_settings,
    settings_end,
    write_request,
)
from fanout.adapters.settings import DEFAULT_SCAN_RANGE_BYTES, settings
from fanout.adapters.sources.planning import Scratch
from fanout.adapters.sources.stored import StoredItems, StoredText
from fanout.errors import RunNotFoundError
from fanout.models.plan import PartitionPlan, PlanManifest
from fanout.models.redrive import RedriveRequest
from fanout.models.request import RunRequest
from fanout.models.source import InlineSource, Source, TextSource
from fanout.naming import blob_paths
from fanout.naming.instance_ids import is_run_id
from fanout.naming.media_types import JSON
from fanout.naming.moments import moment_text, parse_moment, round_moment
from fanout.splitting.decoding.codecs import Expansion
from fanout.splitting.inline import PackedItems
from fanout.splitting.sizes.budget import DEFAULT_BUDGET, Budget

Model = TypeVar("Model", bound=BaseModel)

_KEPT_RUNS = 64
_KEPT_PARTITIONS = 256
# Of each kind of file, as they are in memory.
_KEPT_BYTES = 32 * 1_048_576
# What the claim of a run has in its metadata.
CLAIMED_AT = "claimed_at"


@dataclass(frozen=True)
class Claim:
    """Who has a run id, and since when.

    Attributes:
        etag: What tells this run from an earlier one of the same id that was deleted.
        claimed_at: When it was claimed, aware, in milliseconds.
    """

    etag: str
    claimed_at: datetime


@dataclass(frozen=True)
class RunFiles(ContainerFiles):
    """What a run keeps in the runs container.

    Attributes:
        allowed: How much may come out of a compressed source.
        scan_range_bytes: A large blob is planned by ranges of so many bytes.
        budget: How much memory a batch may take.
    """

    allowed: Expansion = field(default_factory=Expansion)
    scan_range_bytes: int = DEFAULT_SCAN_RANGE_BYTES
    budget: Budget = DEFAULT_BUDGET

    def scratch(self, run_id: str) -> Scratch:
        """Where the plan of a run may leave copies of its source."""
        return Scratch(self.store, self.container, blob_paths.plan_folder(run_id), self.allowed)

    def claim(
        self, run_id: str, request: RunRequest, claimed_at: datetime | None = None
    ) -> Claim | None:
        """Write the request if the run id is free.

        Args:
            run_id: The run.
            request: What it is to do.
            claimed_at: When it is claimed, as the index has it; by default now.

        Returns:
            The claim; None where somebody has the id.
        """
        moment = round_moment(claimed_at or datetime.now(UTC))
        etag = self._claim(
            blob_paths.request_path(run_id), request, {CLAIMED_AT: moment_text(moment)}
        )
        return Claim(etag, moment) if etag is not None else None

    def find_claim(self, run_id: str) -> Claim | None:
        """Read who has a run id, without the request; None where there is no such run."""
        properties = self.store.properties(self.container, blob_paths.request_path(run_id))
        if properties is None:
            return None
        # Earlier versions of the app did not write the moment down; nobody writes a claim twice.
        text = properties.metadata.get(CLAIMED_AT)
        moment = parse_moment(text) if text else properties.last_modified
        return Claim(properties.etag, round_moment(moment))

    def claim_of(self, run_id: str) -> str:
        """What tells this run from an earlier one of the same id that was deleted.

        Raises:
            RunNotFoundError: There is no such run.
        """
        return self.read_claim(run_id).etag

    def read_claim(self, run_id: str) -> Claim:
        """Read who has a run id.

        Raises:
            RunNotFoundError: There is no such run.
        """
        claim = self.find_claim(run_id)
        if claim is None:
            raise RunNotFoundError(run_id)
        return claim

    def claim_attempt(self, run_id: str, attempt: int, redrive: RedriveRequest) -> bool:
        """Write what a later attempt is to do if nobody has; tell whether nobody had."""
        return self._claim(blob_paths.attempt_path(run_id, attempt), redrive) is not None

    def _claim(
        self, path: str, model: BaseModel, metadata: Mapping[str, str] | None = None
    ) -> str | None:
        write = write_request if isinstance(model, RunRequest) else write_document
        data = write(model)  # type: ignore[arg-type]  # each takes its own
        digests = {DIGEST: digest_of(path, data)}
        if (end := settings_end(data)) is not None:
            digests[SETTINGS_DIGEST] = digest_of(path, data[:end])
        return self._write_first(path, data, JSON, {**(metadata or {}), **digests})

    def newest_attempt(self, run_id: str) -> int:
        """The number of the run's latest attempt, 1 the first."""
        claims = self.store.names(self.container, blob_paths.attempts_folder(run_id))
        attempts = (blob_paths.parse_attempt_path(path) for path in claims)
        return max((attempt for attempt in attempts if attempt is not None), default=1)

    def redrive_request(self, run_id: str, attempt: int) -> RedriveRequest:
        """Read what a later attempt is to do."""
        path = blob_paths.attempt_path(run_id, attempt)
        return self.read_model(RedriveRequest, path)

    def find_request(self, run_id: str) -> RunRequest | None:
        """Read the request of a run; None where there is no such run."""
        if self.store.properties(self.container, blob_paths.request_path(run_id)) is None:
            return None
        return self.request(run_id)

    def request(self, run_id: str, attempt: int = 1) -> RunRequest:
        """Read the request of a run that exists, as one of its attempts carries it out."""
        path = blob_paths.request_path(run_id)
        return self._as_of(read_request(self.read_document(path), path), run_id, attempt)

    def read_document(self, path: str) -> bytes:
        """Read a file whole that has a digest beside it.

        Raises:
            UnreadableDocumentError: It is not as it was written.
        """
        blob = open_document(self.store, self.container, path)
        data = blob.read()
        insist_on_digest(path, data, blob.properties.metadata)
        return data

    def has_request(self, run_id: str, request: RunRequest) -> bool:
        """Tell whether a run that exists was claimed by this request; equal bytes are not parsed.

        Raises:
            UnreadableDocumentError: What it was claimed by is damaged.
        """
        path = blob_paths.request_path(run_id)
        data = self.read_document(path)
        return data == write_request(request) or read_request(data, path) == request

    def settings(self, run_id: str, attempt: int = 1) -> RunRequest:
        """Read the request of a run as `request` does, but what stands in it of its source.

        That is read where somebody needs it, and kept as bytes.

        Raises:
            UnreadableDocumentError: It is damaged, or of a version that is not known.
        """
        path = blob_paths.request_path(run_id)
        blob = open_document(self.store, self.container, path, HEAD_BYTES)
        request = self._settings(run_id, partial(self._begin, path, blob), blob)
        return self._as_of(request, run_id, attempt)

    def settings_at_hand(self, run_id: str, attempt: int = 1) -> RunRequest:
        """Read what `settings` gives, and keep the rest of the document, which is needed soon."""
        path = blob_paths.request_path(run_id)
        blob = open_document(self.store, self.container, path)
        data = blob.read()
        request = self._settings(run_id, lambda length: data[:length], blob)
        insist_on_digest(path, data, blob.properties.metadata)
        if len(data) > HEAD_BYTES:
            _documents.put((self, run_id), data)
        return self._as_of(request, run_id, attempt)

    def _settings(
        self, run_id: str, read: Callable[[int | None], bytes], blob: OpenedBlob
    ) -> RunRequest:
        path = blob_paths.request_path(run_id)
        found = read_settings(read, path)
        name = DIGEST if found.is_whole else SETTINGS_DIGEST
        insist_on_digest(path, found.data, blob.properties.metadata, name)
        request, source = found.request, found.request.source
        if isinstance(source, InlineSource) and not found.is_whole:
            stored: Source = StoredItems.at(partial(_kept_items, self, run_id))
            request = request.model_copy(update={"source": stored})
        elif isinstance(source, TextSource) and not found.is_whole:
            stored = StoredText.at(source, partial(_kept_text, self, run_id))
            request = request.model_copy(update={"source": stored})
        return request

    def _as_of(self, request: RunRequest, run_id: str, attempt: int) -> RunRequest:
        return request if attempt == 1 else self.redrive_request(run_id, attempt).apply_to(request)

    def _begin(self, path: str, blob: OpenedBlob, length: int | None) -> bytes:
        """Read so many bytes of a file from its beginning, or all."""
        if length is None:
            return blob.read()
        if length > len(blob.beginning) < blob.properties.size:
            etag = blob.properties.etag
            return self.store.read(self.container, path, length=length, etag=etag)
        return blob.beginning[:length]

    def manifest(self, run_id: str, generation: str = blob_paths.FIRST) -> PlanManifest:
        """Read the manifest of a generation's plan."""
        return self.read_model(PlanManifest, blob_paths.plan_path(run_id, generation))

    def partition(
        self, run_id: str, partition: int, generation: str = blob_paths.FIRST
    ) -> PartitionPlan:
        """Read the cuts of one partition of several."""
        path = blob_paths.partition_path(run_id, partition, generation)
        return self.read_model(PartitionPlan, path)

    def runs(self, after: str | None, limit: int) -> tuple[list[str], str | None]:
        """List the ids of some runs, in order.

        Args:
            after: What the call before gave as the second; None begins with the first.
            limit: How many folders to look at, at most.

        Returns:
            The ids, and what the next call is to be given; None when these were the last.
        """
        folders, token = self.store.folders(self.container, after, limit)
        return [name for name in folders if is_run_id(name)], token


@lru_cache(maxsize=1)
def run_files() -> RunFiles:
    """The run files of this process, as its settings say."""
    kept = settings()
    allowed = Expansion(kept.max_uncompressed_bytes, kept.max_compression_ratio)
    budget = Budget(kept.max_batch_memory)
    return RunFiles(blob_store(), kept.runs_container, allowed, kept.scan_range_bytes, budget)


class ClaimedRef(Protocol):
    """What activities are told of a run."""

    @property
    def run_id(self) -> str: ...
    @property
    def claim(self) -> str: ...


_claims = KeptClaims()


def files_of(ref: ClaimedRef) -> RunFiles:
    """The run files for an activity; what an earlier run of the same id left here is forgotten."""
    if not _claims.keep(ref.run_id, ref.claim):
        forget_kept()
    return run_files()


_requests: Kept[RunRequest] = Kept(_KEPT_RUNS, _KEPT_BYTES, weigh_request)
_documents: Kept[bytes] = Kept(_KEPT_RUNS, _KEPT_BYTES, len)
_items: Kept[PackedItems] = Kept(_KEPT_RUNS, _KEPT_BYTES, lambda items: items.size)
_texts: Kept[bytes] = Kept(_KEPT_RUNS, _KEPT_BYTES, len)
_manifests: Kept[PlanManifest] = Kept(_KEPT_RUNS, _KEPT_BYTES, weigh_manifest)
_partitions: Kept[PartitionPlan] = Kept(_KEPT_PARTITIONS, _KEPT_BYTES, weigh_partition)


def kept_request(files: RunFiles, run_id: str, attempt: int = 1) -> RunRequest:
    """The request of an attempt of a run, read once in this process; its items are not."""
    return _requests.get((files, run_id, attempt), lambda: files.settings_at_hand(run_id, attempt))


def _document(files: RunFiles, run_id: str) -> RunRequest:
    path = blob_paths.request_path(run_id)
    return read_request(_documents.get((files, run_id), lambda: files.read_document(path)), path)


def _kept_items(files: RunFiles, run_id: str) -> PackedItems:
    def load() -> PackedItems:
        source = _document(files, run_id).source
        return PackedItems.pack(source.items if isinstance(source, InlineSource) else [])

    return _items.get((files, run_id), load)


def _kept_text(files: RunFiles, run_id: str) -> bytes:
    def load() -> bytes:
        source = _document(files, run_id).source
        return source.content if isinstance(source, TextSource) else b""

    return _texts.get((files, run_id), load)


def kept_manifest(files: RunFiles, run_id: str, generation: str = blob_paths.FIRST) -> PlanManifest:
    """The plan's manifest, read once in this process."""
    key = (files, run_id, generation)
    return _manifests.get(key, lambda: files.manifest(run_id, generation))


def keep_manifest(files: RunFiles, run_id: str, generation: str, manifest: PlanManifest) -> None:
    """Keep a manifest that this process has written."""
    _manifests.put((files, run_id, generation), manifest)


def kept_partition(
    files: RunFiles, run_id: str, partition: int, generation: str = blob_paths.FIRST
) -> PartitionPlan:
    """The cuts of a partition, read once in this process."""

    def load() -> PartitionPlan:
        only = kept_manifest(files, run_id, generation).only
        return only or files.partition(run_id, partition, generation)

    return _partitions.get((files, run_id, partition, generation), load)


def keep_partition(files: RunFiles, run_id: str, generation: str, plan: PartitionPlan) -> None:
    """Keep a partition that this process has written."""
    _partitions.put((files, run_id, plan.partition, generation), plan)


def forget_kept() -> None:
    """Drop what this process has read: a run was deleted, and its id may be used again."""
    for kept in (_requests, _documents, _items, _texts, _manifests, _partitions):
        kept.clear()
