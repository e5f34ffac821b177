"""Where in a piece of bytes some of them stand, for all of them at once."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Positions = NDArray[np.int64]

_LF, _CR = b"\n\r"


def byte_positions(data: bytes, byte: int) -> Positions:
    """List where a byte stands."""
    import numpy as np

    return np.flatnonzero(np.frombuffer(data, np.uint8) == byte)


def line_endings(data: bytes, *, is_after_return: bool) -> Positions:
    """List the last bytes of line endings: line feeds, and carriage returns that none follows.

    A carriage return at the end of the data is left to the next piece, for a line feed may begin
    it: with `is_after_return` the piece before ended in one, and -1 stands for it if none does.
    """
    import numpy as np

    buffer = np.frombuffer(data, np.uint8)
    is_ending = buffer == _LF
    if b"\r" in data:
        is_return = buffer == _CR
        if (is_return[:-1] ^ is_ending[1:]).any():
            is_ending[:-1] |= is_return[:-1] & ~is_ending[1:]
    positions = np.flatnonzero(is_ending)
    if is_after_return and data and not data.startswith(b"\n"):
        return np.concatenate([[-1], positions])
    return positions
