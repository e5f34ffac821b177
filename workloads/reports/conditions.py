"""Conditions on the cells of a row: which rows a report is about, as parameters say it."""

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
    """One thing that must hold of a row for it to be in the report.

    Attributes:
        value: What the cell is compared with: as numbers if it is a number, else as texts (by code
            point; true and false are the texts "true" and "false"). A list for `in` and `not_in`,
            nothing for `is_null` and `not_null`. A missing cell meets no comparison, not even `ne`.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    column: str
    op: Operator
    value: Scalar | list[Scalar] | None = None

    @model_validator(mode="after")
    def _value_fits_operator(self) -> "Condition":
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
        return any(_is_number(value) for value in self._given)

    @property
    def numbers(self) -> list[int | float]:
        """What cells are compared with, where that is numbers."""
        return [value for value in self._given if isinstance(value, int | float)]

    @property
    def texts(self) -> list[str]:
        """What cells are compared with, where that is texts."""
        return [str(v).lower() if isinstance(v, bool) else str(v) for v in self._given]

    @property
    def _given(self) -> list[Scalar]:
        if self.value is None:
            return []
        return self.value if isinstance(self.value, list) else [self.value]


def _is_number(value: Scalar) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)
