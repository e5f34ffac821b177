"""Values that wait for their turn: in memory if they come at once, else in a temporary file."""

from collections.abc import Mapping
from os import SEEK_END
from tempfile import TemporaryFile
from typing import IO, Any

from pydantic_core import from_json, to_json


class Spool:
    """JSON values by number, of which a second portion, and all that come with it, are in a file.

    So that they can be taken in any order, and no more than two portions are in memory at a time.
    The file has no name, and is gone when the spool is closed, or the process ends.
    """

    def __init__(self) -> None:
        self._values: Mapping[int, Any] | None = None
        self._file: IO[bytes] | None = None
        self._places: dict[int, tuple[int, int]] = {}

    def add(self, values: Mapping[int, Any]) -> None:
        """Take a portion of values."""
        if self._values is None and self._file is None:
            self._values = values
            return
        if self._values is not None:
            first, self._values = self._values, None
            self._write(first)
        self._write(values)

    def _write(self, values: Mapping[int, Any]) -> None:
        if self._file is None:
            self._file = TemporaryFile()  # noqa: SIM115  closed with the spool
        self._file.seek(0, SEEK_END)  # who takes a value leaves it elsewhere
        for number, value in values.items():
            data = to_json(value)
            self._places[number] = (self._file.tell(), len(data))
            self._file.write(data)

    def __getitem__(self, number: int) -> Any:
        """Give a value.

        Raises:
            KeyError: There is none of that number.
        """
        if self._values is not None:
            return self._values[number]
        start, size = self._places[number]
        if self._file is None:
            raise KeyError(number)
        self._file.seek(start)
        return from_json(self._file.read(size))

    def close(self) -> None:
        """Forget all."""
        self._values, self._places = None, {}
        if self._file is not None:
            self._file.close()
            self._file = None
