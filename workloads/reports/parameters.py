"""The parameters of the workload `reports`: one report or several."""

from collections.abc import Iterator
from typing import Annotated, Any, Literal

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

from fanout.models.numbers import MAX_NAME_CHARACTERS, MAX_NAMES, Name
from workloads.reports.conditions import Condition
from workloads.reports.metrics import (
    DISTINCT,
    ROWS,
    Metrics,
    figure_name,
    is_quantile,
    needs_numbers,
    require_distinct,
)

Every = Literal["hour", "day", "week", "month", "quarter", "year"]

MAX_BARS = 50
MAX_REPORTS = 50
MAX_TOP = 10_000
# As a key is written out for every group, and a condition asked of every row.
MAX_KEYS = 100
MAX_CONDITIONS = 1_000
MAX_COLUMNS = 1_000
# The name of a figure is that of a column with a metric.
FigureName = Annotated[str, Field(max_length=MAX_NAME_CHARACTERS + 20)]
Conditions = Annotated[list[Condition], Field(max_length=MAX_CONDITIONS)]


class _Part(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class DateKey(_Part):
    """Groups by the hour, day, week, ... of a date.

    Attributes:
        column: Dates or times in ISO 8601. A time is taken as it stands; one with an offset from
            UTC (``Z`` is one) is converted to UTC. A row with a cell that is no date and not
            missing is refused.
        every: The time span of a group. A week begins on Monday and is named by that day.
    """

    column: Name
    every: Every

    @property
    def name(self) -> str:
        """The name of the key in the report."""
        return f"{self.column}.{self.every}"


def _key_tag(key: Any) -> str:
    return "column" if isinstance(key, str) else "date"


GroupKey = Annotated[
    Annotated[Name, Tag("column")] | Annotated[DateKey, Tag("date")], Discriminator(_key_tag)
]


def key_name(key: str | DateKey) -> str:
    """The name of a key in the report."""
    return key if isinstance(key, str) else key.name


def key_column(key: str | DateKey) -> str:
    """The column of a key."""
    return key if isinstance(key, str) else key.column


def _check_keys(keys: list[str | DateKey]) -> list[str | DateKey]:
    require_distinct([key_name(key) for key in keys])
    return keys


class Sort(_Part):
    """The order of the groups.

    Attributes:
        by: A key of `group_by`, ``rows``, or a metric such as ``dep_delay.mean``.
    """

    by: FigureName
    descending: bool = False


class Top(_Part):
    """Keep the groups with the highest or lowest figures; among equals, the first keys.

    Attributes:
        by: ``rows`` or a metric such as ``dep_delay.mean``; groups without it come last.
        order: ``desc`` keeps the highest, ``asc`` the lowest.
    """

    n: int = Field(ge=1, le=MAX_TOP)
    by: FigureName
    order: Literal["desc", "asc"] = "desc"


class Chart(_Part):
    """The picture of a report.

    Attributes:
        metric: The figure that the bars show: ``rows`` or a metric such as ``dep_delay.mean``. By
            default the mean of the first column of `metrics`, else its first metric, else ``rows``.
        title: Above the picture; by default it says what the bars show.
        unit: The unit of the metric: ``minutes``.
        top: How many groups are shown: the ones with the highest values.
    """

    metric: FigureName | None = None
    title: str | None = Field(default=None, max_length=100)
    unit: str | None = Field(default=None, max_length=50)
    top: int = Field(default=20, ge=1, le=MAX_BARS)


class View(_Part):
    """One report: how rows are grouped, and which figures each group has.

    Attributes:
        group_by: Columns whose values, as texts, make the groups, or dates by time span; without
            any, all rows are one group.
        metrics: Metrics by column. A cell of such a column is a number or missing; a row where it
            is neither is refused. The cells of a column whose only metric is ``approx_distinct``
            may be any text.
        sort: Order of the groups; by default that of `top`, else that of their keys.
        top: Which groups to keep; None keeps all.
    """

    group_by: Annotated[
        list[GroupKey], Field(max_length=MAX_KEYS), AfterValidator(_check_keys)
    ] = []
    metrics: Annotated[dict[Name, Metrics], Field(max_length=MAX_COLUMNS)] = {}
    sort: Sort | None = None
    top: Top | None = None
    chart: Chart = Chart()

    @property
    def label(self) -> str | None:
        """The report's name; None if it is the only one, which has no name."""
        return None

    @property
    def conditions(self) -> list[Condition]:
        """Conditions that a row must meet to be in this report, besides `filter`."""
        return []

    @property
    def key_names(self) -> list[str]:
        """The names of the keys, in order."""
        return [key_name(key) for key in self.group_by]

    def figure_names(self) -> Iterator[str]:
        """Name every figure of a group, in order: ``rows``, then ``column.metric``."""
        yield ROWS
        for column, metrics in self.metrics.items():
            for metric in metrics:
                yield figure_name(column, metric)

    @property
    def number_columns(self) -> list[str]:
        """Columns that are tallied as numbers."""
        return [column for column, metrics in self.metrics.items() if needs_numbers(metrics)]

    @property
    def quantile_columns(self) -> list[str]:
        """Columns that have quantiles; each is one of `number_columns` too."""
        return [
            column for column, metrics in self.metrics.items() if any(map(is_quantile, metrics))
        ]

    @property
    def distinct_columns(self) -> list[str]:
        """Columns whose distinct values are counted."""
        return [column for column, metrics in self.metrics.items() if DISTINCT in metrics]

    @property
    def columns(self) -> list[str]:
        """Every column that the report reads, each once."""
        conditions = [condition.column for condition in self.conditions]
        return list(dict.fromkeys([*map(key_column, self.group_by), *self.metrics, *conditions]))


class NamedReport(View):
    """One report of several.

    Attributes:
        name: Part of the names of its files: ``report-NAME.csv``.
        where: Conditions that must all hold, besides those of `filter`.
    """

    name: str = Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9_-]{0,49}$")
    where: Conditions = []

    @property
    def label(self) -> str | None:
        """Its name."""
        return self.name

    @property
    def conditions(self) -> list[Condition]:
        """Those of `where`."""
        return self.where


class ReportParameters(View):
    """The rows to read, and one report or several, made in one pass.

    Attributes:
        filter: Conditions that must all hold of a row, for every report.
        null_values: Texts that mean that a value is missing. A report counts them by column; where
            ``NA`` is a value, such as Namibia's code, give ``[""]``.
        reports: Several reports; each then has its own `group_by`, `metrics`, `sort`, ...
    """

    filter: Conditions = []
    null_values: Annotated[list[Name], Field(max_length=MAX_NAMES)] = ["", "NA"]
    reports: list[NamedReport] | None = Field(default=None, min_length=1, max_length=MAX_REPORTS)

    @field_validator("reports")
    @classmethod
    def _check_reports(
        cls, reports: list[NamedReport] | None, info: ValidationInfo
    ) -> list[NamedReport] | None:
        if reports is None:
            return None
        for name, field in View.model_fields.items():
            if info.data.get(name, field.default) != field.default:
                raise ValueError(f"where there are reports, '{name}' belongs into each of them")
        # Some file systems do not distinguish names that differ only in case.
        require_distinct([report.name.casefold() for report in reports])
        return reports

    @property
    def views(self) -> list[View]:
        """The reports, in order."""
        return [self] if self.reports is None else list(self.reports)

    @property
    def columns(self) -> list[str]:
        """Every column that is read, each once."""
        by_view = [view.columns for view in self.reports or []] or [super().columns]
        conditions = [condition.column for condition in self.filter]
        names = [name for columns in by_view for name in columns]
        return list(dict.fromkeys([*names, *conditions]))
