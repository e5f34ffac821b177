"""Makes what a function returned plain: what any process can read, whatever classes the app has.

A result leaves the worker as texts, bytes and numbers of Python's own classes. A subclass of the
app's own could not be unpickled outside of the worker, and its methods are user code.
"""

from typing import Any

from localhost.execution.contract import HttpResponseData

# A frame between host and worker, and a row of the store, end far above this.
LARGEST_BYTES = 300_000_000


def plain_value(value: Any) -> Any:
    """Make a value of a result plain.

    Raises:
        TypeError: It is of a kind that no binding carries.
        ValueError: It is larger than anything the host can keep.
    """
    kind = type(value)
    if value is None or kind in (bool, int, float):
        return value
    if issubclass(kind, str):
        return _check_size(value if kind is str else str.__str__(value))
    if issubclass(kind, (bytes, bytearray, memoryview)):
        return _check_size(_plain_bytes(value))
    if issubclass(kind, (list, tuple)):
        return [plain_value(item) for item in list.__iter__(list(value))]
    if kind is HttpResponseData:
        headers = [(plain_value(name), plain_value(text)) for name, text in value.headers]
        return HttpResponseData(int(value.status), headers, plain_value(value.body))
    raise TypeError(f"a result cannot be of type '{kind.__name__}'")


def _plain_bytes(value: bytes | bytearray | memoryview) -> bytes:
    return value if type(value) is bytes else memoryview(value).tobytes()


def _check_size(value: Any) -> Any:
    if len(value) > LARGEST_BYTES:
        raise ValueError(
            f"a result of {len(value):,} characters is too large: the host keeps {LARGEST_BYTES:,}"
        )
    return value
