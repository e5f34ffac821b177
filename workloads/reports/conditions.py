"""Conditions on the cells of a row: the parameters that choose the rows of a report."""

from typing import Annotated, Literal

from pydantic import (
    BaseModel,
    ConfigDict,
    Field,
    StrictBool,
    StrictFloat,
    StrictInt,
    StrictStr,
    model_validator,
)

Operator = Literal["eq", "ne", "lt", "le", "gt", "ge", "in", "not_in", "is_null", "not_null"]
Number = StrictInt | Annotated[StrictFloat, Field(allow_inf_nan=False)]
Scalar = StrictBool | Number | StrictStr

_NULL_OPERATORS = ("is_null", "not_null")
_LIST_OPERATORS = ("in", "not_in")


class Condition(BaseModel):
    """A condition that a row must meet to be in the report.

    Attributes:
        value: Compared with the cell: as numbers if it is a number, else as texts (by code point;
            true and false are the texts "true" and "false"). A list for `in` and `not_in`, nothing
            for `is_null` and `not_null`. A missing cell meets no comparison, not even `ne`.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    column: str
    op: Operator
    value: Scalar | list[Scalar] | None = None

    @model_validator(mode="after")
    def _check_value(self) -> "Condition":
        if self.op in _NULL_OPERATORS:
            if self.value is not None:
                raise ValueError(f"'{self.op}' takes no value")
        elif self.op in _LIST_OPERATORS:
            if not isinstance(self.value, list):
                raise ValueError(f"'{self.op}' takes a list of values")
            if len({_is_number(value) for value in self.value}) > 1:
                raise ValueError("the list mixes numbers and texts")
        elif self.value is None or isinstance(self.value, list):
            raise ValueError(f"'{self.op}' takes one value, a number or a text")
        return self

    @property
    def is_numeric(self) -> bool:
        """Whether cells are compared as numbers."""
        return any(_is_number(value) for value in self._values)

    @property
    def numbers(self) -> list[int | float]:
        """The numbers that cells are compared with."""
        return [value for value in self._values if isinstance(value, int | float)]

    @property
    def texts(self) -> list[str]:
        """The texts that cells are compared with."""
        return [
            str(value).lower() if isinstance(value, bool) else str(value) for value in self._values
        ]

    @property
    def _values(self) -> list[Scalar]:
        if self.value is None:
            return []
        return self.value if isinstance(self.value, list) else [self.value]


def _is_number(value: Scalar) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)
