"""Values of a column beside the faults of those that cannot be read."""

from collections.abc import Callable, Iterable
from typing import Any, NamedTuple

from fanout.naming.error_types import ErrorType
from fanout.printable import describe_error


class UnreadableError(ValueError):
    """A value cannot be held by Python or JSON."""

    error_type = ErrorType.PARQUET


class NotUtf8Error(UnreadableError):
    """A text is not UTF-8."""

    error_type = ErrorType.ENCODING


class Fault(NamedTuple):
    """Why a value cannot be read.

    Attributes:
        type: The type of error.
        message: What is wrong with it.
        place: Where it is within the cell of its column: ``[2].name``; mostly empty.
    """

    type: ErrorType
    message: str
    place: str = ""

    def within(self, place: str) -> "Fault":
        """The same fault, seen from what its value is part of."""
        return self._replace(place=place + self.place)


class Values(NamedTuple):
    """The values of a column.

    Attributes:
        values: One for each row; None also for one that cannot be read.
        faults: Why it cannot, by its position.
    """

    values: list[Any]
    faults: dict[int, Fault]


def make_each(make: Callable[[Any], Any], raw: Iterable[Any]) -> Values:
    """Make a value of each one that is not None, and a fault where that raises."""
    values: list[Any] = []
    faults: dict[int, Fault] = {}
    for position, item in enumerate(raw):
        value = None
        if item is not None:
            try:
                value = make(item)
            except UnreadableError as error:
                faults[position] = Fault(error.error_type, str(error))
            except Exception as error:  # noqa: BLE001  whatever PyArrow makes of one value
                fault = f"the value cannot be read: {describe_error(error)}"
                faults[position] = Fault(ErrorType.PARQUET, fault)
        values.append(value)
    return Values(values, faults)
