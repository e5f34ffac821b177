"""Blobs as `MemoryStore` has them, with their bytes on disk."""

import hashlib
from collections import UserDict
from pathlib import Path
from typing import Any

from tests.support.doubles.memory_store import MemoryStore

Name = tuple[str, str]


class _Content:
    """The bytes of a blob, of which those alone are read that are asked for."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def __len__(self) -> int:
        return self._path.stat().st_size

    def __getitem__(self, wanted: slice) -> bytes:
        begin, end, _ = wanted.indices(len(self))
        with self._path.open("rb", buffering=0) as file:
            file.seek(begin)
            return file.read(max(0, end - begin))

    def rename(self, path: Path) -> None:
        self._path = self._path.rename(path)


class _OnDisk(UserDict[Name, tuple[Any, str]]):
    """Blobs by their names; their bytes are read whenever one is asked for."""

    def __init__(self, folder: Path) -> None:
        super().__init__()
        self._folder = folder
        folder.mkdir()

    def __setitem__(self, name: Name, blob: tuple[Any, str]) -> None:
        data, etag = blob
        path = self._folder / etag.strip('"')
        if isinstance(data, _Content):
            data.rename(path)
        else:
            path.write_bytes(data)
        super().__setitem__(name, (_Content(path), etag))


class DiskStore(MemoryStore):
    """Blobs on disk, so that a process has those in memory alone that it reads."""

    def __init__(self, folder: Path) -> None:
        super().__init__()
        self._blobs = _OnDisk(folder)  # type: ignore[assignment]  # it is used as a dict is
        self._folder = folder

    def open_writer(self, container: str, blob: str, media_type: str) -> "DiskWriter":  # type: ignore[override]  # it does the same
        path = self._folder / f"unfinished-{next(self._versions)}"
        return DiskWriter(self, (container, blob), media_type, path)


class DiskWriter:
    """A blob in the making; nothing shows before `close`."""

    def __init__(self, store: DiskStore, target: Name, media_type: str, path: Path) -> None:
        self._store, self._target, self._media_type = store, target, media_type
        self._path, self._file = path, path.open("wb")
        self._digest = hashlib.md5(usedforsecurity=False)
        self.size = 0

    def write(self, data: bytes) -> None:
        self._file.write(data)
        self._digest.update(data)
        self.size += len(data)

    def close(self, *, if_none_match: bool = False) -> str:
        self._file.close()
        content: Any = _Content(self._path)
        self._store.write(
            *self._target, content, media_type=self._media_type, if_none_match=if_none_match
        )
        return self._digest.hexdigest()
