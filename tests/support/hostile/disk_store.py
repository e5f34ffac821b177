"""Blobs as `MemoryStore` has them, with their bytes on disk."""

from collections import UserDict
from pathlib import Path

from tests.support.doubles.memory_store import MemoryStore

Name = tuple[str, str]


class _OnDisk(UserDict[Name, tuple[bytes, str]]):
    """Blobs by their names; their bytes are read whenever one is asked for."""

    def __init__(self, folder: Path) -> None:
        super().__init__()
        self._folder = folder
        folder.mkdir()

    def __setitem__(self, name: Name, blob: tuple[bytes, str]) -> None:
        data, etag = blob
        self._path(etag).write_bytes(data)
        super().__setitem__(name, (b"", etag))

    def __getitem__(self, name: Name) -> tuple[bytes, str]:
        _, etag = super().__getitem__(name)
        return self._path(etag).read_bytes(), etag

    def _path(self, etag: str) -> Path:
        return self._folder / etag.strip('"')


class DiskStore(MemoryStore):
    """Blobs on disk, so that a process has those in memory alone that it reads."""

    def __init__(self, folder: Path) -> None:
        super().__init__()
        self._blobs = _OnDisk(folder)  # type: ignore[assignment]  # it is used as a dict is
