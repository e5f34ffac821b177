"""What is asked for: the parameters of the workload `reports`, one report of them or several."""

from collections.abc import Iterator
from typing import Annotated, Any, Literal, TypeVar

from pydantic import (
    AfterValidator,
    BaseModel,
    ConfigDict,
    Discriminator,
    Field,
    Tag,
    ValidationInfo,
    field_validator,
)

from workloads.reports.conditions import Condition
from workloads.reports.metrics import DISTINCT, Metrics, is_quantile, needs_numbers

Every = Literal["hour", "day", "week", "month", "quarter", "year"]

ROWS = "rows"
MAX_BARS = 50
MAX_REPORTS = 50
MAX_TOP = 10_000
_T = TypeVar("_T")


class _Part(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class DateKey(_Part):
    """Groups by the hour, day, week, ... of a date.

    Attributes:
        column: Dates or times in ISO 8601. Times are taken as they stand; those with an offset from
            UTC (``Z`` is one) are taken in UTC. A row with a cell that is no date and not missing
            is refused.
        every: How much time makes a group. A week begins on Monday and is called by that day.
    """

    column: str
    every: Every

    @property
    def name(self) -> str:
        """What the key is called in the report."""
        return f"{self.column}.{self.every}"


def _kind_of_key(given: Any) -> str:
    return "column" if isinstance(given, str) else "date"


GroupKey = Annotated[
    Annotated[str, Tag("column")] | Annotated[DateKey, Tag("date")], Discriminator(_kind_of_key)
]


def name_of(key: str | DateKey) -> str:
    """Tell what a key is called in the report."""
    return key if isinstance(key, str) else key.name


def column_of(key: str | DateKey) -> str:
    """Tell which column a key is of."""
    return key if isinstance(key, str) else key.column


def _distinct_keys(keys: list[str | DateKey]) -> list[str | DateKey]:
    _refuse_twice([name_of(key) for key in keys])
    return keys


def _refuse_twice(names: list[str]) -> None:
    if len(set(names)) < len(names):
        raise ValueError("it names one thing twice")


class Sort(_Part):
    """The order of the groups.

    Attributes:
        by: A key of `group_by`, ``rows``, or a metric such as ``dep_delay.mean``.
    """

    by: str
    descending: bool = False


class Top(_Part):
    """Only some groups, those with the highest or lowest figures; among equals, the first keys.

    Attributes:
        by: ``rows`` or a metric such as ``dep_delay.mean``; groups without it come last.
        order: ``desc`` keeps the highest, ``asc`` the lowest.
    """

    n: int = Field(ge=1, le=MAX_TOP)
    by: str
    order: Literal["desc", "asc"] = "desc"


class Chart(_Part):
    """How the picture of a report looks.

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


class View(_Part):
    """One report: how rows are grouped, and what is said of each group.

    Attributes:
        group_by: Columns whose values, as texts, make the groups, and dates by the time they fall
            into; none makes one group of all rows.
        metrics: Metrics by column. A cell of such a column is a number or missing; a row where it
            is neither is refused. Where a column has no metric but ``approx_distinct``, its cells
            are any texts.
        sort: Order of the groups; by default that of `top`, else that of their keys.
        top: Which groups to keep; None keeps all.
    """

    group_by: Annotated[list[GroupKey], AfterValidator(_distinct_keys)] = []
    metrics: dict[str, Metrics] = {}
    sort: Sort | None = None
    top: Top | None = None
    chart: Chart = Chart()

    @property
    def label(self) -> str | None:
        """The report's name; None where there is only one, without a name."""
        return None

    @property
    def conditions(self) -> list[Condition]:
        """What must hold of a row for it to be in this report, beside `filter`."""
        return []

    @property
    def key_names(self) -> list[str]:
        """The names of the keys, in order."""
        return [name_of(key) for key in self.group_by]

    def metric_names(self) -> Iterator[str]:
        """Name every figure of a group, in order: ``rows``, then ``column.metric``."""
        yield ROWS
        for column, metrics in self.metrics.items():
            for metric in metrics:
                yield f"{column}.{metric}"

    @property
    def measured(self) -> list[str]:
        """Columns that are tallied as numbers."""
        return [column for column, metrics in self.metrics.items() if needs_numbers(metrics)]

    @property
    def ranked(self) -> list[str]:
        """Columns of which quantiles are wanted; all of them are measured too."""
        return [c for c, metrics in self.metrics.items() if any(map(is_quantile, metrics))]

    @property
    def told_apart(self) -> list[str]:
        """Columns whose distinct values are counted."""
        return [column for column, metrics in self.metrics.items() if DISTINCT in metrics]

    @property
    def columns(self) -> list[str]:
        """Every column that the report reads, each once."""
        filtered = [condition.column for condition in self.conditions]
        return list(dict.fromkeys([*map(column_of, self.group_by), *self.metrics, *filtered]))


class NamedReport(View):
    """One report of several.

    Attributes:
        name: Its files are called after it: ``report-NAME.csv``.
        where: Conditions that must all hold, beside those of `filter`.
    """

    name: str = Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9_-]{0,49}$")
    where: list[Condition] = []

    @property
    def label(self) -> str | None:
        """Its name."""
        return self.name

    @property
    def conditions(self) -> list[Condition]:
        """Those of `where`."""
        return self.where


class ReportParameters(View):
    """What rows are wanted, and one report of them or several, made in one pass.

    Attributes:
        filter: Conditions that must all hold of a row, for every report.
        null_values: Texts that mean that a value is missing.
        reports: Several reports; `group_by`, `metrics`, `sort`, `top` and `chart` are then theirs.
    """

    filter: list[Condition] = []
    null_values: list[str] = ["", "NA"]
    reports: list[NamedReport] | None = Field(default=None, min_length=1, max_length=MAX_REPORTS)

    @field_validator("reports")
    @classmethod
    def _are_all(
        cls, reports: list[NamedReport] | None, info: ValidationInfo
    ) -> list[NamedReport] | None:
        if reports is None:
            return None
        for name, field in View.model_fields.items():
            if info.data.get(name, field.default) != field.default:
                raise ValueError(f"where there are reports, '{name}' belongs into each of them")
        # Some stores of files take names that differ in case for one.
        _refuse_twice([report.name.casefold() for report in reports])
        return reports

    @property
    def views(self) -> list[View]:
        """The reports, in order."""
        return [self] if self.reports is None else list(self.reports)

    @property
    def columns(self) -> list[str]:
        """Every column that is read, each once."""
        own = [view.columns for view in self.reports or []] or [super().columns]
        filtered = [condition.column for condition in self.filter]
        return list(dict.fromkeys([*(column for names in own for column in names), *filtered]))
