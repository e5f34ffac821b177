"""What a report is asked for: the parameters of the workload `reports`."""

from collections.abc import Iterator
from typing import Annotated, Literal, TypeVar

from pydantic import (
    AfterValidator,
    BaseModel,
    ConfigDict,
    Field,
    StrictBool,
    StrictFloat,
    StrictInt,
    StrictStr,
    model_validator,
)

Metric = Literal["count", "sum", "mean", "min", "max", "std"]
Operator = Literal["eq", "ne", "lt", "le", "gt", "ge", "in", "not_in", "is_null", "not_null"]
Number = StrictInt | Annotated[StrictFloat, Field(allow_inf_nan=False)]
Scalar = StrictBool | Number | StrictStr

ROWS = "rows"
MAX_BARS = 50
_T = TypeVar("_T")
_NULL_OPERATORS = ("is_null", "not_null")
_LIST_OPERATORS = ("in", "not_in")


def _distinct(values: list[_T]) -> list[_T]:
    if len(set(values)) < len(values):
        raise ValueError("it names one thing twice")
    return values


class _Part(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Condition(_Part):
    """One thing that must hold of a row for it to be in the report.

    Attributes:
        value: What the cell is compared with: as numbers if it is a number, else as texts (by code
            point; true and false are the texts "true" and "false"). A list for `in` and `not_in`,
            nothing for `is_null` and `not_null`. A missing cell meets no comparison, not even `ne`.
    """

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


class Sort(_Part):
    """The order of the groups.

    Attributes:
        by: A column of `group_by`, ``rows``, or a metric such as ``dep_delay.mean``.
    """

    by: str
    descending: bool = False


class Chart(_Part):
    """How ``report.png`` looks.

    Attributes:
        metric: What the bars show: ``rows`` or a metric such as ``dep_delay.mean``. By default the
            mean of the first column of `metrics`, else its first metric, else ``rows``.
        title: Above the picture; by default it says what is shown.
        unit: Of the metric: ``minutes``.
        top: How many groups are shown, those with the highest values.
    """

    metric: str | None = None
    title: str | None = Field(default=None, max_length=100)
    unit: str | None = Field(default=None, max_length=50)
    top: int = Field(default=20, ge=1, le=MAX_BARS)


Metrics = Annotated[list[Metric], Field(min_length=1), AfterValidator(_distinct)]


class ReportParameters(_Part):
    """What rows are wanted, how they are grouped, and what is said of each group.

    Attributes:
        filter: Conditions that must all hold.
        group_by: Columns whose values, as texts, make the groups; none makes one group of all rows.
        metrics: Metrics by column. A cell of such a column is a number or missing; a row where it
            is neither is refused.
        sort: Order of the groups; by default that of their keys.
        null_values: Texts that mean that a value is missing.
    """

    filter: list[Condition] = []
    group_by: Annotated[list[str], AfterValidator(_distinct)] = []
    metrics: dict[str, Metrics] = {}
    sort: Sort | None = None
    chart: Chart = Chart()
    null_values: list[str] = ["", "NA"]

    def metric_names(self) -> Iterator[str]:
        """Name every figure of a group, in order: ``rows``, then ``column.metric``."""
        yield ROWS
        for column, metrics in self.metrics.items():
            for metric in metrics:
                yield f"{column}.{metric}"

    @property
    def columns(self) -> list[str]:
        """Every column that the report reads, each once."""
        filtered = [condition.column for condition in self.filter]
        return list(dict.fromkeys([*self.group_by, *self.metrics, *filtered]))
