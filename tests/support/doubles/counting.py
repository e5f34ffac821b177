"""Storage in memory that writes down each request that Azure would be asked, in order."""

from collections.abc import Iterable, Iterator
from typing import Any

from fanout.adapters.tables import Row, RowRange, Write
from tests.support.doubles.memory_store import MemoryStore
from tests.support.doubles.memory_tables import MemoryTables


class CountingStore(MemoryStore):
    """Blobs whose requests are written down."""

    def __init__(self, requests: list[str]) -> None:
        super().__init__()
        self._requests = requests

    def write(self, container: str, blob: str, data: bytes, **more: Any) -> str:
        self._requests.append(f"PUT {blob}")
        return super().write(container, blob, data, **more)

    def names(self, container: str, prefix: str) -> Iterator[str]:
        self._requests.append(f"LIST {prefix}")
        yield from super().names(container, prefix)

    def properties(self, container: str, blob: str) -> Any:
        self._requests.append(f"HEAD {blob}")
        return super().properties(container, blob)

    def read(self, container: str, blob: str, **more: Any) -> bytes:
        self._requests.append(f"GET {blob}")
        return super().read(container, blob, **more)

    def open(self, container: str, blob: str, **more: Any) -> Any:
        self._requests.append(f"GET {blob}")
        return super().open(container, blob, **more)

    def delete(self, container: str, blob: str) -> None:
        self._requests.append(f"DELETE {blob}")
        super().delete(container, blob)


class CountingTables(MemoryTables):
    """Rows whose requests are written down: a transaction is one, a query of a few rows is one."""

    def __init__(self, requests: list[str]) -> None:
        super().__init__()
        self._requests = requests

    def read(self, table: str, partition: str, row_keys: Iterable[str]) -> dict[str, Row]:
        keys = [*row_keys]
        self._requests += [f"GET {partition} {key}" for key in keys]
        return super().read(table, partition, keys)

    def read_all(self, table: str, partition: str, prefix: str = "") -> dict[str, Row]:
        self._requests.append(f"QUERY {partition}")
        return super().read_all(table, partition, prefix)

    def read_range(
        self, table: str, partition: str, wanted: RowRange, limit: int
    ) -> dict[str, Row]:
        self._requests.append(f"QUERY {partition}")
        return super().read_range(table, partition, wanted, limit)

    def write(self, table: str, partition: str, writes: list[Write]) -> dict[str, str]:
        keys = " ".join(sorted(write.row_key for write in writes))
        self._requests.append(f"POST {partition} {keys}")
        return super().write(table, partition, writes)

    def delete(self, table: str, partition: str, row_keys: Iterable[str]) -> None:
        keys = [*row_keys]
        self._requests.append(f"POST {partition} {' '.join(sorted(keys))}")
        super().delete(table, partition, keys)
