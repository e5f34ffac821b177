"""Damage to files of a run while it goes on: each kind, at a place that is drawn."""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Literal

from fanout.adapters.run_files.files import forget_kept
from fanout.messages.run import RunEnd
from fanout.models.redrive import RedriveRequest
from fanout.models.request import RunRequest
from tests.support.doubles.memory_store import MemoryStore
from tests.support.replays.inline_runs import Inline
from tests.support.replays.local_runs import RUN_ID
from tests.support.replays.scouted_runs import ScoutedRun

Kind = Literal["delete", "cut", "empty", "flip", "blank", "swap", "swap whole"]
KINDS: tuple[Kind, ...] = ("delete", "cut", "empty", "flip", "blank", "swap", "swap whole")
CONTAINER = "runs"


@dataclass(frozen=True)
class Damage:
    """What is done to a file.

    Attributes:
        kind: ``swap`` gives it the content of another, ``swap whole`` what stands beside that, too.
        folder: What its path begins with: ``parts/``, for example.
        before: The activity before which that is done.
        file: Which of the files there.
        at: Where in it, as a share of its bytes.
    """

    kind: Kind
    folder: str
    before: str
    file: int
    at: float

    def do(self, store: MemoryStore) -> str | None:
        """Damage a file, and give its path; None if there is none, or nothing would change."""
        paths = [*store.names(CONTAINER, f"{RUN_ID}/{self.folder}")]
        if not paths:
            return None
        path = paths[self.file % len(paths)]
        data, beside = read(store, path)
        if self.kind == "delete":
            store.delete(CONTAINER, path)
            return path
        if self.kind in ("swap", "swap whole"):
            other, others = read(store, paths[(self.file + 1) % len(paths)])
            beside, changed = others if self.kind == "swap whole" else beside, other
        else:
            changed = self._change(data)
        if changed == data:
            return None
        store.write(CONTAINER, path, changed, metadata=beside)
        return path

    def _change(self, data: bytes) -> bytes:
        place = int(self.at * len(data))
        if self.kind == "cut" or not data:
            return data[:place]
        if self.kind == "empty":
            return b""
        if self.kind == "flip":
            return data[:place] + bytes([data[place] ^ 1]) + data[place + 1 :]
        end = min(len(data), place + 1 + len(data) // 3)
        return data[:place] + b" " * (end - place) + data[end:]


def read(store: MemoryStore, path: str) -> tuple[bytes, dict[str, str]]:
    """A file and what stands beside it."""
    found = store.properties(CONTAINER, path)
    assert found is not None
    return store.read(CONTAINER, path), dict(found.metadata)


@dataclass
class DamagingInline(Inline):
    """Damages files before activities, each damage once.

    Attributes:
        damages: What is still to be done.
        damaged: The paths of what has been damaged.
        is_forgetful: Whether each activity is carried out by a process that has read nothing yet.
    """

    damages: list[Damage] = field(default_factory=list)
    damaged: list[str] = field(default_factory=list)
    is_forgetful: bool = False

    def call(self, name: str, message: dict[str, Any]) -> Any:
        for damage in [damage for damage in self.damages if damage.before == name]:
            path = damage.do(self.files.store)  # type: ignore[arg-type]  # the double of it
            if path is not None:
                self.damaged.append(path)
                self.damages.remove(damage)
        if self.is_forgetful:
            forget_kept()
        return super().call(name, message)


class DamagedRun:
    """A run to which damage is done, and its redrives."""

    def __init__(self, request: RunRequest, damages: list[Damage], max_bytes: int) -> None:
        self.scouted = ScoutedRun(request)
        self.files = self.scouted.run.files
        self.inline = DamagingInline(
            self.files, self.scouted.rows, damages=damages, max_bytes=max_bytes
        )
        self.inline.is_scouting = False
        self.attempts = 0

    def carry_out(self) -> RunEnd:
        """Carry out the next attempt, the first or a redrive."""
        self.attempts += 1
        if self.attempts > 1:
            assert self.files.claim_attempt(RUN_ID, self.attempts, RedriveRequest())
        ref = self.scouted.input.model_copy(update={"attempt": self.attempts})
        return self.inline.run(ref)

    def results(self, plain: Callable[[str, bytes], Any]) -> dict[str, Any]:
        """The result files by name, each as `plain` gives it."""
        return {
            file.name: plain(file.name, self.files.read(f"{RUN_ID}/results/{file.name}"))
            for file in self.scouted.run.manifest().files
        }
