"""Conditions on the cells of a row: the parameters that choose the rows of a report."""

from typing import Annotated, Any, Literal

from pydantic import (
    BaseModel,
    ConfigDict,
    Discriminator,
    Field,
    StrictBool,
    StrictFloat,
    StrictInt,
    StrictStr,
    Tag,
    model_validator,
)

from fanout.models.numbers import (
    MAX_MAGNITUDE,
    MAX_NAME_CHARACTERS,
    MAX_NAMES,
    MAX_WHOLE,
    Name,
)

Operator = Literal["eq", "ne", "lt", "le", "gt", "ge", "in", "not_in", "is_null", "not_null"]
WholeNumber = Annotated[StrictInt, Field(ge=-MAX_WHOLE, le=MAX_WHOLE)]
Real = Annotated[StrictFloat, Field(ge=-MAX_MAGNITUDE, le=MAX_MAGNITUDE, allow_inf_nan=False)]
Text = Annotated[StrictStr, Field(max_length=MAX_NAME_CHARACTERS)]


def _kind(value: Any) -> str:
    # In brackets, as no field is called: whoever names a fault leaves it out.
    return f"({type(value).__name__})"


_Kind = Discriminator(
    _kind,
    custom_error_type="value_type",
    custom_error_message="it is no number, no text, and neither true nor false",
)
Scalar = Annotated[
    Annotated[StrictBool, Tag("(bool)")]
    | Annotated[WholeNumber, Tag("(int)")]
    | Annotated[Real, Tag("(float)")]
    | Annotated[Text, Tag("(str)")],
    _Kind,
]
Value = Annotated[
    Annotated[StrictBool, Tag("(bool)")]
    | Annotated[WholeNumber, Tag("(int)")]
    | Annotated[Real, Tag("(float)")]
    | Annotated[Text, Tag("(str)")]
    | Annotated[list[Scalar], Field(max_length=MAX_NAMES), Tag("(list)")],
    _Kind,
]

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

    column: Name
    op: Operator
    value: Value | None = None

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
